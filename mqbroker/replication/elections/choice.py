"""Makes the election that the configuration names. A store's library is loaded only where it is used."""

import ssl
from pathlib import Path

from mqbroker.config.addresses import Address
from mqbroker.config.sections import PairConfig
from mqbroker.replication.asking import asked
from mqbroker.replication.election import Election
from mqbroker.replication.tls import store_context


def election_of(config: PairConfig, folder: Path, links: ssl.SSLContext | None) -> Election:
    """The election; `links` is what other nodes are asked with. A manual one keeps a
    file in the folder. Raises ConfigError and StorageError."""
    if config.election == "postgresql":
        from mqbroker.replication.elections.postgresql import PostgresqlElection

        return PostgresqlElection(config.election_urls[0], config.name, config.lease_s)
    if config.election == "manual":
        return _manual(config, folder, links)
    from mqbroker.replication.elections.etcd import EtcdElection

    user, password = config.election_user, config.election_password
    return EtcdElection(config.election_urls, config.name, config.lease_s, user, password, store_context(config))


def _manual(config: PairConfig, folder: Path, links: ssl.SSLContext | None) -> Election:
    from mqbroker.replication.elections.manual import CALL_TIMEOUT_S, ManualElection

    mine = (config.listen, config.advertise)
    others = [each for each in map(Address.parse, config.election_urls) if each not in mine]
    return ManualElection(
        config.node, folder, others, config.lease_s, config.min_in_sync,
        lambda address, said: asked(address, links, said, CALL_TIMEOUT_S),
    )  # fmt: skip
