"""Tells whether a submission has the form that is asked for: the columns Id and SalePrice, one row for each test house."""

import sys

import pandas as pd

submission = pd.read_csv(sys.argv[1])
test = pd.read_csv("input/test.csv", usecols=["Id"])
if list(submission.columns) != ["Id", "SalePrice"] or not submission["Id"].equals(test["Id"]):
    sys.exit("the submission does not match input/test.csv")
