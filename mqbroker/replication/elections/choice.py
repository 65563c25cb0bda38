"""Makes the election store that the configuration names. A store's library is loaded only where it is used."""

from mqbroker.config.sections import PairConfig
from mqbroker.replication.election import Election
from mqbroker.replication.tls import store_context


def election_of(config: PairConfig) -> Election:
    """The store. Raises ConfigError."""
    if config.election == "postgresql":
        from mqbroker.replication.elections.postgresql import PostgresqlElection

        return PostgresqlElection(config.election_urls[0], config.name, config.lease_s)
    from mqbroker.replication.elections.etcd import EtcdElection

    user, password = config.election_user, config.election_password
    return EtcdElection(config.election_urls, config.name, config.lease_s, user, password, store_context(config))
