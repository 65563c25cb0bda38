"""What is measured: each module is one scenario, made of cases; a case is one row of the report.

It owns topologies and loads. It must not know how a broker is started or how results are shown.
"""
