"""What a coding file may cost: files of some kB to a few MB that ask for gigabytes are refused within 256 MB and 2 s."""

import struct
import subprocess
import sys
import zipfile

import program
from program import BAD_DATA, ClipTest


# Runs a command and prints its exit code, its largest memory in KiB and its seconds of processor time. In a process of its
# own: the largest memory of a child counts what its parent held when it was started.
MEASURE = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(code, usage.ru_maxrss, usage.ru_utime + usage.ru_stime)
"""


def sheet_xml(rows):
    return f'<worksheet xmlns="main"><sheetData>{rows}</sheetData></worksheet>'


class Limits(ClipTest):
    """What a coding file may cost: 256 MB of memory and 2 s of processor time, whatever it unpacks to."""

    MEMORY = 256 << 20
    SECONDS = 2.0

    def setUp(self):
        super().setUp()
        self.data = self.made("clips", "casme2", 6)

    def workbook(self, name, sheets, strings=None, sheet_list=None):
        """A workbook of these parts; `sheet_list` gives each sheet's part where they are not one each."""
        path = self.folder / name
        parts = sheet_list or list(range(len(sheets)))
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("xl/workbook.xml", '<workbook xmlns="main" xmlns:r="rel"><sheets>' + "".join(
                f'<sheet name="S{i}" sheetId="{i + 1}" r:id="r{i}"/>' for i in range(len(parts))) + "</sheets></workbook>")
            archive.writestr("xl/_rels/workbook.xml.rels", "<Relationships>" + "".join(
                f'<Relationship Id="r{i}" Target="worksheets/sheet{part}.xml"/>' for i, part in enumerate(parts))
                + "</Relationships>")
            if strings is not None:
                archive.writestr("xl/sharedStrings.xml", strings)
            for i, sheet in enumerate(sheets):
                archive.writestr(f"xl/worksheets/sheet{i}.xml", sheet)
        return path

    def costs(self, coding, code, *parts):
        """Lints with this coding file: exit `code`, one line with all parts, within the limits."""
        completed = subprocess.run([sys.executable, "-c", MEASURE, program.path(), "data", "lint", "--dataset", "casme2",
                                    "--coding", coding, self.data], check=True, capture_output=True, text=True)
        exit_code, memory, seconds = completed.stdout.split()[-3:]
        memory, seconds, errors = int(memory), float(seconds), completed.stderr
        print(f"{coding.name}: {coding.stat().st_size >> 10} KiB, {memory >> 10} MiB, {seconds:.2f} s: {errors.strip()}")
        self.assertEqual(int(exit_code), code, errors)
        for part in parts:
            self.assertIn(part, errors)
        self.assertLess(memory << 10, self.MEMORY)
        self.assertLess(seconds, self.SECONDS)

    def test_many_cells_that_point_to_a_long_text(self):
        text = "".join(chr(97 + i * i % 26) for i in range(30000))
        cells = "".join("<row>" + "".join(f"<c r='{column}{row}' t='s'><v>0</v></c>" for column in "ABCDEFGHIJ") + "</row>"
                        for row in range(1, 400))
        self.costs(self.workbook("shared.xlsx", [sheet_xml(cells)], f"<sst><si><t>{text}</t></si></sst>"), BAD_DATA,
                   "16 MiB of text")

    def test_many_sheets_of_one_part(self):
        rows = "".join(f"<row><c><v>{i}</v></c><c><v>{i * i}</v></c></row>" for i in range(2000))
        path = self.workbook("sheets.xlsx", [sheet_xml(rows)], sheet_list=[0] * 1000)
        self.costs(path, BAD_DATA, "sheet 'S1'", "has the same part as a sheet before it")

    def test_many_parts_that_are_small_each(self):
        part = sheet_xml(" " * 60_000)  # packs to some hundred bytes
        self.costs(self.workbook("parts.xlsx", [part] * 1000), BAD_DATA, "more than 100 times the file's size")

    def test_megabytes_that_unpack_to_sixty(self):
        digits = (f"{i * 7919 % 9973}" for i in range(1_200_000))
        rows = "".join(f"<row>{''.join(f'<c><v>{d}</v></c>' for d in row)}</row>" for row in zip(*[digits] * 50))
        self.costs(self.workbook("cells.xlsx", [sheet_xml(rows)]), BAD_DATA, "524,288 cells")
        blank = "".join(f'<row r="{i + 1}"><c r="A{i + 1}" s="{i % 7}"/></row>' for i in range(700_000))
        self.costs(self.workbook("blank.xlsx", [sheet_xml(blank)]), BAD_DATA, "no row names the columns")
        tags = "".join("<c/>" * (190 + i % 13) + f"<d n='{i * 7919 % 999983}'/>" for i in range(22_000))
        self.costs(self.workbook("tags.xlsx", [sheet_xml(f"<row>{tags}</row>")]), BAD_DATA, "4 million XML elements")

    def test_many_or_long_shared_texts(self):
        many = "".join(f"<si><t>{i * 7919 % 999983}</t></si>" for i in range(700_000))
        self.costs(self.workbook("many.xlsx", [sheet_xml("")], f"<sst>{many}</sst>"), BAD_DATA, "524,288 texts")
        one = "".join(f"{i * 7919 % 999983} " for i in range(900_000))
        self.costs(self.workbook("one.xlsx", [sheet_xml("")], f"<sst><si><t>{one}</t></si></sst>"), BAD_DATA,
                   "more than 1 MiB of text")

    def test_tags_and_comments_without_end(self):
        inside = "".join(f"{i * 7919 % 999983}> " for i in range(2_000_000))
        for name, text in (("tag", f"<row a='{inside.replace('>', '')}'/>"), ("comment", f"<!-- {inside} -->")):
            self.costs(self.workbook(name + ".xlsx", [sheet_xml(text)]), BAD_DATA, "a tag is longer than 256 KiB")

    def test_more_parts_than_a_workbook_has(self):
        path = self.workbook("parts.xlsx", [sheet_xml("")])
        with zipfile.ZipFile(path, "a") as archive:
            for i in range(5000):
                archive.writestr(f"{i}", "")
        self.costs(path, BAD_DATA, "parts or more, at most 4096")
        # the archive's end announces few, the directory lists many
        data = bytearray(path.read_bytes())
        data[-12:-10] = data[-14:-12] = struct.pack("<H", 3)
        path.write_bytes(data)
        self.costs(path, BAD_DATA, "damaged")

    def test_csv_of_empty_cells(self):
        path = self.folder / "sparse.csv"
        path.write_text(("," * 255 + "x\n") * 60000)
        self.costs(path, BAD_DATA, "524,288 cells")

    def test_a_large_table_is_read(self):
        rows = "".join(f"<row><c><v>{i}</v></c><c t='inlineStr'><is><t>EP{i:08}</t></is></c><c><v>1</v></c></row>"
                       for i in range(99_990))
        header = "<row>" + "".join(f"<c t='inlineStr'><is><t>{name}</t></is></c>"
                                   for name in ("Subject", "Filename", "Emotion")) + "</row>"
        self.costs(self.workbook("large.xlsx", [sheet_xml(header + rows)]), BAD_DATA, "none of the 99990 clips")


if __name__ == "__main__":
    program.main()
