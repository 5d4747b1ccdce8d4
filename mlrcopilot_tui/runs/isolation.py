"""How a Python process of ours is started, so that nothing in its folder or environment changes what it imports."""

import site


def isolation() -> str:
    """`-I`, but for a package in the user's own site folder, which that would leave out."""
    return "-EP" if site.ENABLE_USER_SITE and __file__.startswith(site.getusersitepackages()) else "-I"
