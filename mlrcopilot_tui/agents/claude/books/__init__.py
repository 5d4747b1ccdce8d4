"""What every call goes through on its way: budget, books, prices, the verbatim record."""
