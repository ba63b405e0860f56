"""control/import: what is written is one transaction at close; nothing of a writer that was killed."""
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

import lib
from control import MAC, MASK, SECRET, answer, write_once

CSV = "mac,model,profile,customer,line,account,sip.password\n"
ROW = "001565ab%04x,yealink-t46s,office,globex,1,%d@globex,pw%d\n"


def rows(n):
    return CSV + "".join(ROW % (i, 3000 + i, i) for i in range(n))


@pytest.fixture
def file(tmp_path):
    """A function that writes a file and gives its path."""

    def do(text):
        path = tmp_path / "fleet"
        path.write_text(text)
        return path

    return do


def n_imported(tree):
    return sum(name.startswith("001565ab") for name in tree.ls("devices"))


def report_of(tree, word):
    """The report, once it has this word: what is left at RELEASE comes after the close."""
    return lib.wait_for(word, lambda: word in tree.read("import.report") and tree.read("import.report"))


@pytest.mark.parametrize("command", ["cp $F import", "cat $F > import", "cat < $F >> import", "tee import < $F", "dd if=$F of=import status=none",
                                     "dd if=$F of=import bs=7 status=none", "(cat $F) > import", "{ head -1 $F; tail -n +2 $F; } > import",
                                     "(head -1 $F; tail -n +2 $F) > import", "python3 -c 'import shutil,os;shutil.copyfile(os.environ[\"F\"],\"import\")'",
                                     "sort -r $F | cat > import", "rsync --inplace $F import"])
@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_ways_of_importing(tree, file, command, shell):
    if "rsync" in command and not shutil.which("rsync"):
        pytest.skip("no rsync")
    r = tree.sh(command, shell=shell, F=str(file(rows(20))))
    assert (r.returncode, r.stderr) == (0, "")
    lib.wait_for("the import", lambda: n_imported(tree) == 20, 5)
    assert "20" in tree.read("import.report") and "refused" not in tree.read("import.report")
    assert tree.read("devices/001565ab0003/lines/1") == "3003@globex\n"


def test_bad_rows_are_all_named(tree, file):
    before = tree.inv.dump()
    text = rows(5) + "zz,yealink-t46s,office,globex,1,1@globex,\n001565ac0001,phone-9,office,globex,1,2@globex,\n"
    r = tree.sh("cp $F import", F=str(file(text)))
    assert r.returncode == 1 and "Invalid argument" in r.stderr
    report = tree.read("import.report")
    assert "zz" in report and "phone-9" in report and "refused" in report and "7" in report and "8" in report
    assert tree.inv.dump() == before and tree.outcome().startswith("refused: ")


def test_the_report_is_the_last_import_s(tree, file):
    tree.sh("cp $F import", F=str(file(CSV + "zz,,,,,,\n")))
    tree.shell("cp $F import", F=str(file(rows(3))))
    assert "refused" not in tree.read("import.report")


def test_one_transaction(tree, file):
    seen = set()

    def watch(until):
        while time.monotonic() < until:
            seen.add(n_imported(tree))
            if 500 in seen:
                break
        return seen

    def take(_):
        tree.shell("sleep 0.5; cp $F import", F=str(file(rows(500))))

    assert lib.crowd(40, watch=watch, take=take)["watch"] == {0, 500}
    assert "control/import" in tree.read("log")


@pytest.mark.parametrize("text", ["", "\n", "mac\n", "\0\0\0\n", "\xff\n", "nonsense\nx\n", "<inventory/>", "<inventory>", "<x/>", "mac,mac\n1,2\n",
                                  "mac,model\n001565ab0001\n", "\ufeff" + CSV], ids=range(12))
def test_odd_files(tree, file, text):
    before = tree.inv.dump()
    answer(write_once, tree / "import", text.encode("latin-1") if "\xff" in text else text.encode())
    assert tree.inv.dump() == before


def test_a_later_write_is_refused(tree):
    fd = os.open(tree / "import", os.O_WRONLY)
    os.write(fd, rows(2).encode())
    os.close(os.dup(fd))
    assert n_imported(tree) == 2
    assert answer(os.write, fd, b"001565ab0009,yealink-t46s,office,globex,1,9@globex,x\n") == "EINVAL"
    os.close(fd)
    assert n_imported(tree) == 2


def test_a_refusal_comes_at_close(tree):
    fd = os.open(tree / "import", os.O_WRONLY)
    os.write(fd, b"mac,model\n001565ab0001,phone-9\n")
    assert answer(os.close, fd) in ("EINVAL", "ENOENT")
    assert "phone-9" in tree.read("import.report")


WRITER = """
import os, sys, time
fd = os.open(sys.argv[1], os.O_WRONLY)
os.write(fd, open(sys.argv[2], "rb").read())
print("written", flush=True)
time.sleep(100)
"""


@pytest.mark.parametrize("sig", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGSEGV])
def test_a_killed_writer_leaves_nothing(tree, file, sig):
    script = f"import signal; signal.signal(signal.SIGINT, signal.SIG_DFL); signal.signal({int(signal.SIGHUP)}, signal.SIG_DFL)\n" + WRITER
    before = tree.inv.dump()
    with subprocess.Popen([sys.executable, "-c", script, str(tree / "import"), str(file(rows(20)))], stdout=subprocess.PIPE) as p:
        assert p.stdout.readline() == b"written\n"
        p.send_signal(sig)
    report_of(tree, "nothing was imported")
    assert tree.inv.dump() == before


@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_a_killed_command_of_a_group_leaves_nothing(tree, file, shell):
    """The second of three is killed; the shell goes on and closes in order, but a part is missing."""
    before = tree.inv.dump()
    part = "sh -c 'printf \"001565ab0009,yealink-t46s,office,globex,1,9@globex,x\\n\"; kill -9 $$'"
    r = tree.sh(f"{{ head -3 $F; {part}; tail -2 $F; }} > import", shell=shell, F=str(file(rows(9))))
    assert "nothing was imported" in report_of(tree, "nothing was imported"), r
    assert tree.inv.dump() == before


@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_a_killed_shell_leaves_nothing(tree, file, shell):
    before = tree.inv.dump()
    tree.sh("{ head -3 $F; cat $F; kill -9 $$; } > import", shell=shell, F=str(file(rows(9))))
    report_of(tree, "nothing was imported")
    assert tree.inv.dump() == before


def test_each_command_of_a_group_closes(tree, file):
    """Their closes are not the end: a partial file is never taken."""
    tree.shell("{ head -1 $F; sleep 0.1; sed -n 2,5p $F; sleep 0.1; tail -n +6 $F; } > import", F=str(file(rows(20))))
    assert n_imported(tree) == 20


def test_what_was_opened_and_not_written_is_nothing(tree):
    tree.shell("cp $F import", F="/dev/null")
    tree.shell(": > import")
    assert answer(os.truncate, tree / "import", 0) == "ok"
    assert answer(open, tree / "import", "rb") in ("ok", "EACCES", "EINVAL")


def test_large_files(tree, file):
    """More than 1 MiB, so in several writes."""
    padding = "x" * 200
    text = "mac,note\n" + "".join(f"001565{n:06x},{padding}\n" for n in range(6000))
    start = time.monotonic()
    tree.shell("cp $F import", F=str(file(text)))
    assert time.monotonic() - start < 60
    assert len(tree.ls("devices")) == 6002
    assert tree.read("devices/00156500176f/note") == padding + "\n"


def test_a_large_file_that_is_refused(tree, file):
    before = tree.inv.dump()
    text = "mac,note\n" + "".join(f"001565{n:06x},{'y' * 300}\n" for n in range(6000)) + "zz,\n"
    assert tree.sh("cp $F import", F=str(file(text))).returncode == 1
    assert tree.inv.dump() == before and "6002" in tree.read("import.report").replace(",", "")


def test_two_imports_at_once(tree):
    """Neither mixes with the other; the writes of each are its own."""
    fds = [os.open(tree / "import", os.O_WRONLY) for _ in range(2)]
    halves = [rows(4).encode(), (CSV + "001565ac0001,yealink-t46s,office,initech,1,1@initech,x\n").encode()]
    for at in (0, 1):
        for fd, text in zip(fds, halves):
            middle = len(text) // 2
            os.write(fd, text[:middle] if at == 0 else text[middle:])
    for fd in fds:
        os.close(fd)
    assert n_imported(tree) == 4 and "001565ac0001" in tree.ls("devices")


# ---- what export gave goes back


def test_the_mask_leaves_the_value(tree, file):
    assert MASK in tree.read("export.csv")
    for name in ("export.csv", "export.xml"):
        before = tree.inv.provfs("export", "--format", "xml", "--secrets")
        tree.shell(f"cp {name} $F; cp $F import", F=str(file("")))
        assert tree.inv.provfs("export", "--format", "xml", "--secrets") == before and SECRET in before


def test_a_changed_export_goes_back(tree, file):
    tree.shell("sed s/A1/A2/ export.csv > $F; cp $F import", F=str(file("")))
    assert tree.read(f"devices/{MAC}/inventory_id") == "A2\n" and SECRET.encode() in tree.inv.render(MAC)
    tree.shell("sed s/sip1.example.net/sip7.example.net/ export.xml > $F; cp $F import", F=str(file("")))
    assert tree.read("profiles/office/settings/sip.server") == "sip7.example.net\n"


def test_xml_into_an_empty_inventory(tree, tree_of, tmp_path):
    source = tree.inv.provfs("export", "--format", "xml", "--secrets")
    (tmp_path / "all.xml").write_text(source)
    empty = lib.Inventory(tmp_path / "other")
    other = tree_of("allow_other,view=control,secrets=show", inventory=empty)
    other.shell("cp $F import", F=str(tmp_path / "all.xml"))
    assert other.read("export.xml") == source == empty.provfs("export", "--format", "xml", "--secrets")


def test_csv_where_the_profiles_exist(tree, tree_of, tmp_path):
    source = tree.inv.provfs("export", "--secrets")
    empty = lib.Inventory(tmp_path / "other")
    other = tree_of("allow_other,view=control,secrets=show", inventory=empty)
    other.done("add profile office\n")
    other.shell("cp $F import", F=str(write_text(tmp_path / "all.csv", source)))
    assert other.read("export.csv") == source


def write_text(path, text):
    path.write_text(text)
    return path
