// Package lab runs a real Docker Swarm on one machine: one engine per node, each
// with its own network, process and mount namespaces, host name and data, and a
// registry that they all pull from. The demo, the tests and the benchmarks use it.
//
// It needs root, Linux and what deps.sh installs; no access to the internet once
// the images' parts are in the cache.
//
// It promises to leave the machine as it was. Whatever a lab is going to make is
// written to its plan first, and every process is recorded before it is let go,
// so Remove finds all of it, also when the process that called Up was killed
// half-way. The rest is the kernel's work: a node is a process namespace, which
// dies whole with its first process, and its mounts live in a mount namespace
// that dies with it. What is left to remove by hand is one bridge, a pair of
// interfaces and a namespace file per node, the control groups under one name,
// and one directory:
//
//	/var/lib/wharfinger-lab/NAME/
//		plan.json            what this lab consists of, written before any of it
//		netns/NODE           the node's network namespace
//		nodes/NODE/          daemon.json, engine.log, engine.pid, data/, run/
//		registry/            config.yml, registry.log, registry.pid, data/
//		processes/           what Launch started: NAME.log, NAME.pid
//
// nodes/NODE/run is the node's own /run, so the engine's sockets are in reach
// from outside: run/docker.sock and run/docker/swarm/control.sock.
//
// A node can run another engine than this machine's. It is Debian's, unpacked below
// /var/cache/wharfinger-lab, and finds itself in a file system of its own, while
// whoever enters the node still finds this machine's programs.
//
// A node that is stopped and started keeps its data and its address, as a
// machine that is rebooted does.
package lab
