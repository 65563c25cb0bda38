"""The configuration: declared once, read from a TOML file, the environment and flags, handed down as one value."""

from mqbroker.config.listener import Listener
from mqbroker.config.load import load_config
from mqbroker.config.sections import Config

__all__ = ["Config", "Listener", "load_config"]
