"""Which GPUs a run that is started from here may use, as the environment variables of CUDA and ROCm define it."""

from collections.abc import Mapping


def visible_devices(environ: Mapping[str, str], *names: str) -> tuple[str, ...] | None:
    """The devices that the first set variable of `names` lists, as indices or UUIDs; None where none is set.

    The list ends at its first empty or negative entry, as CUDA defines it.
    """
    listed = next((environ[name] for name in names if name in environ), None)
    if listed is None:
        return None
    devices: list[str] = []
    for entry in (part.strip() for part in listed.split(",")):
        if not entry or entry.startswith("-"):
            break
        devices.append(entry)
    return tuple(devices)


def is_visible(index: int, uuid: str, devices: tuple[str, ...] | None) -> bool:
    """Whether a list of `visible_devices` names this device; a UUID may be cut short, as CUDA allows."""
    if devices is None:
        return True
    return any(
        entry == str(index) if entry.isdecimal() else uuid.lower().startswith(entry.lower()) for entry in devices
    )
