"""Records: events with their place and time, and their form as lines of the journal."""

import re
from typing import Any

import msgspec

from mlrcopilot_tui.session import (  # noqa: F401 - their events are decoded too
    ablation_events,
    model_events,
    run_events,
    words_events,
)
from mlrcopilot_tui.session.events import Event, UnknownEvent


class Record(msgspec.Struct, frozen=True):
    """One line of the journal: an event with its place and time; with `more`, it holds only with the next line."""

    seq: int
    time: str
    event: Event
    more: bool = False


class _Place(msgspec.Struct, omit_defaults=True):
    seq: int
    time: str
    more: bool = False


class _Envelope(msgspec.Struct):
    seq: int
    time: str
    type: str
    more: bool = False


_SURROGATE = re.compile("[\ud800-\udfff]")

_envelope_decoder = msgspec.json.Decoder(_Envelope)
_decoders: dict[str, msgspec.json.Decoder[Event]] = {
    str(cls.__struct_config__.tag): msgspec.json.Decoder(cls)
    for cls in Event.__subclasses__()
    if cls is not UnknownEvent
}
_encoder = msgspec.json.Encoder()


def encode_record(record: Record) -> bytes:
    """The journal line of `record`, newline included; half a surrogate pair, as file names may hold, becomes U+FFFD."""
    place = _encoder.encode(_Place(record.seq, record.time, record.more))
    try:
        body = _encoder.encode(record.event)
    except UnicodeEncodeError:
        body = _encoder.encode(_well_formed(msgspec.to_builtins(record.event)))
    return place[:-1] + b"," + body[1:] + b"\n"


def decode_record(line: bytes) -> Record:
    """The record of a journal line.

    Raises:
        msgspec.MsgspecError: the line is no JSON object of the journal's form.
    """
    envelope = _envelope_decoder.decode(line)
    decoder = _decoders.get(envelope.type)
    if decoder is None:
        event: Event = UnknownEvent(name=envelope.type, raw=msgspec.json.decode(line))
    else:
        event = decoder.decode(line)
    return Record(envelope.seq, envelope.time, event, envelope.more)


def stands_alone(line: bytes) -> bool:
    """Whether a line of the journal needs no next one to hold; one that cannot be read does not say so."""
    try:
        return not msgspec.json.decode(line, type=_Place).more
    except msgspec.MsgspecError:
        return True


def _well_formed(value: Any) -> Any:  # noqa: ANN401 - whatever JSON can hold
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_well_formed(key): _well_formed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_well_formed(item) for item in value]
    return value
