"""A node that never was: it speaks on the link with a true certificate, and not all that it says is sound.

usage: chaos_link.py PROTOS LINK CA CERTIFICATE KEY ORIGIN MODE [VICTIM CASE]

MODE sound: registers two cases, one after the other.
MODE hostile: an envelope that cannot be read, a part that is not the hashed one, content that cannot be
decoded, an event on VICTIM's CASE, an event in VICTIM's name; after each of them a sound registration.
MODE tamper: an event that names another one before it than its chain has.
Prints one line of JSON: what alarm each step rang, the registered cases, how many calls it took, and the journal's end.
"""

import hashlib
import json
import os
import queue
import sys
import tempfile
import threading
import time
import uuid

import grpc
from grpc_tools import protoc

DAMM = ["0317598642", "7092154863", "4206871359", "1750983426", "6123045978",
        "3674209581", "5869720134", "8945362017", "9438617205", "2581436790"]


def generate(protos, folder):
    code = protoc.main(
        ["protoc", "-I", protos, "--python_out", folder, "--grpc_python_out", folder, "link.proto", "content.proto"]
    )
    if code != 0:
        sys.exit(f"protoc ended with {code}")
    sys.path.insert(0, folder)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def tracking_code(number):
    body = f"{number:02}{int.from_bytes(os.urandom(8), 'big') % 10**10:010}"
    digit = 0
    for character in body:
        digit = int(DAMM[digit][int(character)])
    return body + str(digit)


def case_of(number):
    """A UUID of version 7 whose tenth byte numbers the home."""
    now = int(time.time() * 1000)
    raw = bytearray(now.to_bytes(6, "big") + os.urandom(10))
    raw[6] = 0x70 | raw[6] & 0x0F
    raw[8] = 0x80 | raw[8] & 0x3F
    raw[9] = number
    return bytes(raw)


class Ended(Exception):
    """The hub has ended the call."""


class Voice:
    """A journal that goes on, over one call after the other: the hub may end one that misses events."""

    def __init__(self, channel, origin):
        self.channel, self.origin, self.number = channel, origin, int(origin[3:])
        self.incarnation = int.from_bytes(os.urandom(8), "big") | 1
        self.seq, self.head, self.line, self.calls = 0, bytes(32), 0, 0
        self.dial()

    def dial(self):
        self.calls += 1
        self.outbound, self.frames = queue.Queue(), queue.Queue()
        heads = [link_pb2.Head(incarnation=self.line, seq=self.seq, hash=self.head)] if self.line else []
        hello = link_pb2.Hello(
            version=1, origin=self.origin, heads=heads, schemas=[1], clock=int(time.time() * 1000))
        self.outbound.put(link_pb2.NodeFrame(hello=hello))
        self.call = link_pb2_grpc.LinkStub(self.channel).Connect(iter(self.outbound.get, None), timeout=60)
        threading.Thread(target=self.listen, args=(self.call, self.frames), daemon=True).start()
        for head in self.wait("welcome").heads:
            if head.seq > self.seq:
                self.seq, self.head, self.line = head.seq, head.hash, head.incarnation

    def listen(self, call, frames):
        try:
            for frame in call:
                frames.put(frame)
        except grpc.RpcError as error:
            frames.put(error)
        frames.put(None)

    def wait(self, *kinds, seconds=10, matching=lambda frame: True):
        deadline = time.monotonic() + seconds
        while True:
            frame = self.frames.get(timeout=max(0.01, deadline - time.monotonic()))
            if frame is None or isinstance(frame, grpc.RpcError):
                raise Ended(f"{frame}")
            kind = frame.WhichOneof("frame")
            if kind in kinds and matching(getattr(frame, kind)):
                return getattr(frame, kind)

    def envelope(self, kind, content, case, part=b"", origin=None, previous=None):
        now = int(time.time() * 1000)
        return content_pb2.Envelope(
            format=1, id=uuid.uuid4().bytes, origin=origin or self.origin, incarnation=self.incarnation,
            seq=self.seq + 1, prev_hash=previous or self.head, case_id=case, hlc=now << 16, occurred_at=now,
            actor=content_pb2.Actor(name="voice", role="supervisor", organization=origin or self.origin),
            type=kind, schema=1, min_reader=1, content=content,
            part_hash=hashlib.sha256(part).digest() if part else b"").SerializeToString()

    def send(self, *events):
        frames = [
            link_pb2.Event(envelope=envelope, part=part, part_state=1 if part else 0) for envelope, part in events
        ]
        self.outbound.put(link_pb2.NodeFrame(events=link_pb2.Events(events=frames)))

    def own(self, envelope):
        """It is part of this journal now."""
        self.seq, self.head, self.line = self.seq + 1, hashlib.sha256(envelope).digest(), self.incarnation

    def acknowledged(self, seq):
        self.wait("ack", matching=lambda ack: any(head.seq >= seq for head in ack.heads))

    def alarm(self, seconds=10):
        return self.wait("alarm", seconds=seconds).code

    def registration(self):
        now = int(time.time() * 1000)
        texts = content_pb2.Texts(subject="صدای بی‌گره", description="پرونده‌ای درست")
        part = os.urandom(16) + texts.SerializeToString()
        content = content_pb2.Content(registered=content_pb2.Registered(
            tracking_code=tracking_code(self.number), kind="complaint", channel="phone", category="other",
            priority="normal", due=content_pb2.Due(at=now + 15 * 86_400_000, calendar=1)))
        case = case_of(self.number)
        return case, self.envelope("registered", content.SerializeToString(), case, part), part

    def register(self):
        case, envelope, part = self.registration()
        try:
            self.send((envelope, part))
            self.acknowledged(self.seq + 1)
        except Ended:
            self.dial()
            self.send((envelope, part))
            self.acknowledged(self.seq + 1)
        self.own(envelope)
        return str(uuid.UUID(bytes=case))


def rated():
    return content_pb2.Content(rated=content_pb2.Rated(score=1)).SerializeToString()


def hostile(voice, victim, case):
    steps, cases = {}, []
    # Not even protobuf.
    voice.send((b"\xff\xff\xff\xff" * 8, b""))
    steps["unreadable"] = voice.alarm()
    cases.append(voice.register())
    _, envelope, part = voice.registration()
    voice.send((envelope, part[:-1] + bytes([part[-1] ^ 1])))
    steps["wrong part"] = voice.alarm()
    cases.append(voice.register())
    parked = cases[0]
    envelope = voice.envelope("noted", b"\x9a\xff\xff", uuid.UUID(parked).bytes)
    voice.send((envelope, b""))
    voice.own(envelope)
    steps["undecodable"] = voice.alarm()
    cases.append(voice.register())
    envelope = voice.envelope("rated", rated(), uuid.UUID(case).bytes)
    voice.send((envelope, b""))
    voice.own(envelope)
    steps["outsider"] = voice.alarm()
    cases.append(voice.register())
    voice.send((voice.envelope("rated", rated(), uuid.UUID(case).bytes, origin=victim), b""))
    steps["foreign"] = voice.alarm()
    cases.append(voice.register())
    return {"steps": steps, "cases": cases, "parked": parked}


def tamper(voice):
    # At the start of a line, what is missing may still come; within one, another past is a lie.
    cases = [voice.register()]
    case, _, part = voice.registration()
    envelope = voice.envelope("registered", b"", case, part, previous=hashlib.sha256(b"another").digest())
    voice.send((envelope, part))
    return {"steps": {"tamper": voice.alarm()}, "cases": cases}


def main():
    protos, link, authority, certificate, key, origin, mode, *rest = sys.argv[1:]
    global link_pb2, link_pb2_grpc, content_pb2
    with tempfile.TemporaryDirectory() as folder:
        generate(protos, folder)
        import content_pb2
        import link_pb2
        import link_pb2_grpc

        credentials = grpc.ssl_channel_credentials(read(authority), read(key), read(certificate))
        with grpc.secure_channel(link, credentials) as channel:
            voice = Voice(channel, origin)
            if mode == "sound":
                result = {"cases": [voice.register(), voice.register()]}
            elif mode == "hostile":
                result = hostile(voice, *rest)
            else:
                result = tamper(voice)
            result["seq"], result["head"] = voice.seq, voice.head.hex()
            result["calls"], result["is_open"] = voice.calls, voice.call.is_active()
            voice.outbound.put(None)
            voice.call.cancel()
        print(json.dumps(result))


main()
