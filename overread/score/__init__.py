"""Answers for whole data sets, in Parquet files, on this machine or on a Ray cluster: ``overread score``.

Needs ``pip install overread[score]``, or ``overread[ray]`` for a cluster.
"""
