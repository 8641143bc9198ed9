"""One file per domain: what its tab says, its data set, its nets. To add a domain, add its file here."""
