"""Where lines of the log go, and which levels there are; both while the broker runs.

A line for each connection is a good part of what a connection costs, so nothing is gathered for it that is not in the
line (Python's logging HOWTO, "Optimization").
"""

import gzip
import logging
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Mapping
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from mqbroker.config.sections import Config, LogConfig
from mqbroker.errors import ConfigError
from mqbroker.runtime.logs.fields import JsonFormatter
from mqbroker.runtime.logs.lines import LineFormatter, RabbitFormatter
from mqbroker.runtime.logs.syslog import SyslogHandler

log = logging.getLogger(__name__)

ROOT = "mqbroker"
_PACKED = ".gz"
_MODE = 0o640  # names of users are nobody else's business
LEVELS = {
    "debug": logging.DEBUG, "info": logging.INFO, "notice": logging.INFO, "warning": logging.WARNING,
    "error": logging.ERROR, "critical": logging.CRITICAL, "none": logging.CRITICAL + 10,
}  # fmt: skip
"""Of options and of RabbitMQ's tools."""

_FORMATTERS: Mapping[str, Callable[[], logging.Formatter]] = {
    "text": lambda: LineFormatter("%(asctime)s %(levelname)-8s %(name)s: %(message)s"),
    "rabbitmq": RabbitFormatter,
    "json": JsonFormatter,
}


class LogFile(RotatingFileHandler):
    """The file of the log. Full ones are named .1 to .N, the newest first, and packed if that is wanted.

    Lines come from the broker's loop, which packing would hold up for some 0.3 s: a thread does it.
    """

    def __init__(self, config: LogConfig, path: Path) -> None:
        """Raises OSError."""
        path.parent.mkdir(parents=True, exist_ok=True)
        super().__init__(path, maxBytes=config.rotate_bytes, backupCount=config.keep_files, encoding="utf-8")
        self._date = config.rotate_date
        self._due = 0.0 if self._date is None else self._date.after(self._begun())
        self._packing: threading.Thread | None = None
        if config.compress:
            self.namer = lambda name: f"{name}{_PACKED}"
            self.rotator = self._pack_soon
            self._pack_left()

    def _begun(self) -> float:
        """When the file was last written: what was due while the broker was down is done with the next line."""
        try:
            return os.stat(self.baseFilename).st_mtime if os.stat(self.baseFilename).st_size else time.time()
        except OSError:
            return time.time()

    def shouldRollover(self, record: logging.LogRecord) -> bool:
        """Overrides RotatingFileHandler's: by date too."""
        is_due = self._date is not None and record.created >= self._due
        return is_due or bool(super().shouldRollover(record))

    def doRollover(self) -> None:
        """Overrides RotatingFileHandler's: the file before has its name when those are shifted."""
        if self._date is not None:
            self._due = self._date.after(time.time())
        if self._packing is not None:
            self._packing.join()
        super().doRollover()

    def _pack_soon(self, source: str, target: str) -> None:
        plain = target.removesuffix(_PACKED)
        os.replace(source, plain)
        self._pack(plain)

    def _pack_left(self) -> None:
        """What the last process was packing when it ended, which it does not wait for."""
        plain = f"{self.baseFilename}.1"
        if os.path.exists(plain):
            self._pack(plain)

    def _pack(self, plain: str) -> None:
        self._packing = threading.Thread(target=_pack, args=(plain, f"{plain}{_PACKED}"), name="log", daemon=True)
        self._packing.start()

    def _open(self) -> Any:
        """Overrides FileHandler's."""
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _MODE)
        return os.fdopen(descriptor, "a", encoding="utf-8")

    def reopen(self) -> None:
        """The file was renamed or removed by somebody else, such as logrotate: goes on in one of its name. Raises
        OSError, and then the next line tries it again."""
        self.acquire()
        try:
            if self.stream is not None:
                self.stream.close()
                self.stream = None
            self.stream = self._open()
        finally:
            self.release()


def _pack(source: str, target: str) -> None:
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _MODE)
        with open(source, "rb") as plain, os.fdopen(descriptor, "wb") as file, gzip.open(file, "wb", 6) as packed:
            shutil.copyfileobj(plain, packed)
        os.remove(source)
    except OSError as error:
        # Not to the log: who writes to it may wait for this thread.
        sys.stderr.write(f"{source} stays as it is, not packed: {error}\n")


def configure(config: Config) -> None:
    """Sets the log up. Raises ConfigError."""
    root = logging.getLogger()
    for handler in [*root.handlers]:
        root.removeHandler(handler)
        if isinstance(handler, SyslogHandler):
            handler.close()
    for handler in _handlers(config.log):
        handler.setFormatter(_FORMATTERS[config.log.format]())
        root.addHandler(handler)
    if config.log.syslog:
        root.addHandler(SyslogHandler(config.log.syslog, config.log.syslog_facility))
    set_levels(config)
    logging.logThreads = logging.logMultiprocessing = False
    logging._srcfile = None  # noqa: SLF001  the documented way to do without the caller's line


def _handlers(config: LogConfig) -> list[logging.Handler]:
    if config.file is None:
        return [logging.StreamHandler(sys.stderr)]
    try:
        return [LogFile(config, config.file), *([logging.StreamHandler(sys.stderr)] if config.console else [])]
    except OSError as error:
        raise ConfigError(f"log.file {config.file} cannot be written: {error.strerror}") from None


def set_levels(config: Config) -> None:
    """Levels as the configuration has them; those that were set otherwise at run time go."""
    for name in levels():
        logging.getLogger(name).setLevel(logging.NOTSET)
    logging.getLogger().setLevel(LEVELS[config.log_level])
    for name, level in config.log.levels:
        set_level(name, level)


def set_level(category: str, level: str) -> None:
    """Sets the least severe level of a category, such as `amqp` or `mqbroker.amqp`; of all, when that is empty. Raises
    KeyError for a level that there is not."""
    logging.getLogger(_logger_name(category)).setLevel(LEVELS[level])


def levels() -> Mapping[str, str]:
    """The categories that have a level of their own."""
    names = [name for name in logging.root.manager.loggerDict if name == ROOT or name.startswith(f"{ROOT}.")]
    found = {name: logging.getLogger(name).level for name in names}
    return {name: _level_name(level) for name, level in sorted(found.items()) if level}


def default_level() -> str:
    """That of the others."""
    return _level_name(logging.getLogger().level)


def reopen() -> None:
    """Goes on in new files where somebody else has taken the old ones away."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, LogFile):
            try:
                handler.reopen()
            except OSError as error:
                log.error("the log's file cannot be opened anew: %s", error)


def rotate() -> None:
    """Begins new files."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, LogFile):
            handler.doRollover()


def _logger_name(category: str) -> str:
    if not category or category == ROOT or category.startswith(f"{ROOT}."):
        return category
    return f"{ROOT}.{category}"


def _level_name(level: int) -> str:
    return next((name for name, value in LEVELS.items() if value == level), "none")
