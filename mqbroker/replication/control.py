"""What `mqbroker ha` does: asks a running node over its link address, with the node's own certificate."""

import asyncio
from typing import Any

from mqbroker.config.addresses import Address
from mqbroker.config.sections import PairConfig
from mqbroker.errors import PairError
from mqbroker.replication.asking import asked
from mqbroker.replication.digest import differences
from mqbroker.replication.tls import link_contexts

TIMEOUT_S = 300.0  # a whole journal is read to be verified


def ask(config: PairConfig, content: dict[str, Any], address: Address | None = None) -> dict[str, Any]:
    """The node's answer; the one of this configuration unless another address is given. PairError without one."""
    _, context = link_contexts(config)
    where = address or config.advertise or config.listen
    try:
        return asyncio.run(asked(where, context, content, TIMEOUT_S))
    except (OSError, TimeoutError) as error:
        raise PairError(f"the node at {where} does not answer: {str(error) or 'it takes too long'}") from None


def told(config: PairConfig, content: dict[str, Any]) -> str:
    """What the node says that it does. PairError when it does not."""
    answer = ask(config, content)
    if "error" in answer:
        raise PairError(str(answer["error"]))
    return str(answer["done"])


def described(config: PairConfig) -> tuple[list[str], bool]:
    """What the node knows of its pair, line by line, and whether a failure now would be survived."""
    found = ask(config, {"do": "status"})
    is_active = found["role"] == "active"
    members = ", ".join(found["isr"]) or "nobody"
    lines = [
        f"node       {found['node']} of the pair {found['pair']}, {found['role']}",
        f"leader     {found['leader'] or 'nobody'}, epoch {found['epoch']}",
        f"in sync    {members}",
        f"last batch {found['lsn']}" + (f", confirmed {found['committed']}" if is_active else ""),
    ]
    if is_active:
        lines += [f"standby    {node}: {lag} batches behind" for node, lag in found["lag"].items()]
        if not found["is_store_reached"]:
            lines.append("trouble    the election store cannot be reached")
    elif not found["linked"]:
        lines.append(f"trouble    {found['trouble'] or 'it follows nobody'}")
    return lines, len(found["isr"]) > 1 and (is_active or bool(found["in_sync"]))


def compared(config: PairConfig) -> tuple[list[str], bool]:
    """Compares the journal of this node with that of the active one, up to what both have."""
    here = ask(config, {"do": "status"})
    if here["role"] == "active" or not here["leader_address"]:
        raise PairError("run this on a standby: it compares its journal with that of the active node")
    leader = Address.parse(here["leader_address"])
    there = ask(config, {"do": "status"}, leader)
    upto = min(int(here["lsn"]), int(there["lsn"]))
    content = {"do": "digest", "upto": upto}
    mine, theirs = ask(config, content)["segments"], ask(config, content, leader)["segments"]
    found = differences(mine, theirs)
    size = sum(each["bytes"] for each in mine)
    if found:
        return found, False
    return [f"alike up to batch {upto}: {len(mine)} segments, {size} bytes here, the same on {here['leader']}"], True
