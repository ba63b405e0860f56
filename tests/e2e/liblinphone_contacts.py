#!/usr/bin/env python3
"""What contacts a Linphone has after it started: liblinphone 5.1, without a program around it.

usage: liblinphone_contacts.py RC NUMBER  - waits for NUMBER contacts (20 s at most), prints them as JSON: [[name, address], ...]
"""
import ctypes
import json
import os
import sys
import time

out = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what the library says is no answer
lib = ctypes.CDLL("liblinphone.so.10")


class Node(ctypes.Structure):
    """A bctbx_list_t."""


Node._fields_ = [("next", ctypes.POINTER(Node)), ("prev", ctypes.c_void_p), ("data", ctypes.c_void_p)]
TYPES = {"p": ctypes.c_void_p, "s": ctypes.c_char_p, "l": ctypes.POINTER(Node), "i": ctypes.c_int}


def call(name, result, *args):
    f = getattr(lib, "linphone_" + name)
    f.restype = TYPES[result]
    return f(*(ctypes.c_void_p(a) if isinstance(a, int) else a for a in args))


def each(node):
    while node:
        yield node.contents.data
        node = node.contents.next


def contacts(core):
    for friends in each(call("core_get_friends_lists", "l", core)):
        for friend in each(call("friend_list_get_friends", "l", friends)):
            address = call("friend_get_address", "p", friend)
            yield call("friend_get_name", "s", friend).decode(), call("address_as_string_uri_only", "s", address).decode() if address else None


def main(rc, number):
    core = call("factory_create_core_3", "p", call("factory_get", "p"), rc.encode(), None, None)
    call("core_start", "i", core)
    end = time.monotonic() + 20
    while time.monotonic() < end and len(list(contacts(core))) < number:
        call("core_iterate", "i", core)
        time.sleep(0.02)
    print(json.dumps(sorted(contacts(core))), file=out, flush=True)
    os._exit(0)  # without the second that a clean end takes


main(sys.argv[1], int(sys.argv[2]))
