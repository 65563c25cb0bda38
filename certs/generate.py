"""`python -m certs.generate DIR`: makes an authority, a server and a client certificate in DIR."""

from pathlib import Path

import click

from mqbroker.net.devcerts import CLIENT_NAME, SERVER_NAMES, generate, generate_pair


@click.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option("--server", "server_names", multiple=True, default=SERVER_NAMES, help="Name or address of the server.")
@click.option("--client", "client_name", default=CLIENT_NAME, help="User name in the client certificate.")
@click.option("--pair", "is_pair", is_flag=True, help="Make the certificate of a pair's nodes instead.")
def main(directory: Path, server_names: tuple[str, ...], client_name: str, is_pair: bool) -> None:
    """Make development certificates in DIRECTORY, replacing those that are there."""
    if is_pair:
        generate_pair(directory, server_names)
        click.echo(f"links of a pair: {directory / 'pair.pem'}, {directory / 'pair.key'} and {directory / 'ca.pem'}")
        return
    certificates = generate(directory, server_names, client_name)
    click.echo(f"clients trust {certificates.ca}")
    click.echo(f"server: {certificates.server} and {certificates.server_key}")
    click.echo(f"client {client_name}: {certificates.client} and {certificates.client_key}")


if __name__ == "__main__":
    main()
