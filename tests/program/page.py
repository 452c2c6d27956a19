"""Reads the pages that shcnn report writes; shared by the test files of this folder."""

import html.parser


class PageParser(html.parser.HTMLParser):
    """Text, and what a page holds: tags in balance, sources, pictures."""

    VOID = {"meta", "img", "br"}

    def __init__(self, text):
        super().__init__()
        self.open, self.words, self.sources, self.tags, self.pictures = [], [], [], [], []
        self.feed(text)
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.sources += [value for name, value in attributes if name in ("src", "href")]
        self.pictures += [dict(attributes)["alt"]] if tag == "img" else []
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, tag

    def handle_data(self, data):
        self.words.append(data)

    def stands_alone(self):
        """Nothing is loaded from elsewhere and nothing runs."""
        return "script" not in self.tags and all(s.startswith("data:image/png;base64,") for s in self.sources)

    def text(self):
        return " ".join(" ".join(self.words).split())
