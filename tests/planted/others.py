"""Broken suites, published values and trackers."""

from __future__ import annotations

from planted.base import Planted

OTHERS = {
    "prints": Planted("tracker", "prints", "it prints to stdout: '1'", """
class Mine:
    'Lines.'
    def on_signals(self, run, step, signals): print(1)
    def on_record(self, run, record): pass
    def close(self): pass
"""),
    "raises": Planted("tracker", "raises", "on_record raised KeyError", """
class Mine:
    'Lines.'
    def on_signals(self, run, step, signals): pass
    def on_record(self, run, record): record["nothing"]
    def close(self): pass
"""),
    "leaves": Planted("tracker", "raises", "on_record raised SystemExit: 0", """
class Mine:
    'Lines.'
    def on_signals(self, run, step, signals): pass
    def on_record(self, run, record): raise SystemExit(0)
    def close(self): pass
"""),
    "no close": Planted("tracker", "members", "is missing close", """
class Mine:
    'Lines.'
    def on_signals(self, run, step, signals): pass
    def on_record(self, run, record): pass
"""),
    "a suite that is not there": Planted("suite", "file", "nowhere.yaml", "Mine = Path('nowhere.yaml')"),
    "a suite as text": Planted("suite", "class", "must be a pathlib.Path, got str", "Mine = 'suite.yaml'"),
    "an unknown loss": Planted("suite", "file", "unknown loss 'minimaxx'", """
Mine = Path(__file__).with_name("mine.yaml")
Mine.write_text("losses: [minimaxx]\\narchitectures: [mlp]\\ndatasets: [ring8]\\nseeds: 1\\n")
"""),
    "published": Planted("published", "file", "'entries' must be a list", """
Mine = Path(__file__).with_name("mine.yaml")
Mine.write_text("about: none\\nentries: 3\\n")
"""),
}  # fmt: skip
