"""A foreign client of the link: grpcio, and nothing of ours but the .proto files.

usage: link_client.py PROTOS LINK CA CERTIFICATE KEY hello ORIGIN
       link_client.py PROTOS LINK CA CERTIFICATE KEY forge ORIGIN VICTIM INCARNATION SEQ HASH CASE

Says Hello as ORIGIN. `forge` then sends an event of VICTIM that continues its journal, well-formed in every way.
Prints one line of JSON: the names of the frames that came, the Welcome, and how the call ended.
"""

import json
import queue
import sys
import tempfile
import time
import uuid

import grpc
from grpc_tools import protoc


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


def forged(victim, incarnation, seq, previous, case):
    import content_pb2

    now = int(time.time() * 1000)
    envelope = content_pb2.Envelope(
        format=1,
        id=uuid.uuid4().bytes,
        origin=victim,
        incarnation=int(incarnation, 16),
        seq=int(seq) + 1,
        prev_hash=bytes.fromhex(previous),
        case_id=uuid.UUID(case).bytes,
        hlc=now << 16,
        occurred_at=now,
        actor=content_pb2.Actor(name="forger", role="supervisor", organization=victim),
        type="rated",
        schema=1,
        min_reader=1,
        content=content_pb2.Content(rated=content_pb2.Rated(score=1)).SerializeToString(),
    )
    return envelope.SerializeToString()


def main():
    protos, link, authority, certificate, key, mode, origin, *rest = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        generate(protos, folder)
        import link_pb2
        import link_pb2_grpc

        credentials = grpc.ssl_channel_credentials(read(authority), read(key), read(certificate))
        outbound = queue.Queue()
        hello = link_pb2.Hello(version=1, origin=origin, schemas=[1], clock=int(time.time() * 1000))
        outbound.put(link_pb2.NodeFrame(hello=hello))
        result = {"frames": [], "welcome": None, "status": None, "details": ""}
        with grpc.secure_channel(link, credentials) as channel:
            call = link_pb2_grpc.LinkStub(channel).Connect(iter(outbound.get, None), timeout=15)
            try:
                for frame in call:
                    kind = frame.WhichOneof("frame")
                    result["frames"].append(kind)
                    if kind == "welcome":
                        welcome = frame.welcome
                        result["welcome"] = {
                            "version": welcome.version,
                            "schemas": list(welcome.schemas),
                            "heads": [[f"{h.incarnation:016x}", h.seq, h.hash.hex()] for h in welcome.heads],
                            "clock": welcome.clock,
                            "incarnation": f"{welcome.incarnation:016x}",
                        }
                        if mode == "hello":
                            break
                        event = link_pb2.Event(envelope=forged(*rest))
                        outbound.put(link_pb2.NodeFrame(events=link_pb2.Events(events=[event])))
                    if mode == "forge" and kind in ("alarm", "goodbye"):
                        break
                else:
                    result["status"] = call.code().name
            except grpc.RpcError as error:
                result["status"] = error.code().name
                result["details"] = error.details() or ""
            outbound.put(None)
            call.cancel()
        print(json.dumps(result))


main()
