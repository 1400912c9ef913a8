"""The command bin/cluster: the options, folder, ports, programs and configuration files of a site on one machine."""
