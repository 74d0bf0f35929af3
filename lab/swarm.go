package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// call makes one request to the node's engine.
func (n *Node) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://engine"+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", n.Socket)
		},
	}}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, strings.TrimSpace(string(text)))
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(out)
}

// makeSwarm makes one Swarm of all nodes. Managers join one after the other,
// each being a change of the raft group; workers join together.
func makeSwarm(ctx context.Context, l *Lab) error {
	first := l.nodes[0]
	listen := map[string]any{"ListenAddr": "0.0.0.0:2377", "AdvertiseAddr": first.Address}
	if err := first.call(ctx, http.MethodPost, "/swarm/init", listen, nil); err != nil {
		return err
	}
	var swarm struct {
		JoinTokens struct{ Manager, Worker string }
	}
	if err := first.call(ctx, http.MethodGet, "/swarm", nil, &swarm); err != nil {
		return err
	}
	join := func(ctx context.Context, n *Node, token string) error {
		return n.call(ctx, http.MethodPost, "/swarm/join", map[string]any{
			"ListenAddr": "0.0.0.0:2377", "AdvertiseAddr": n.Address,
			"RemoteAddrs": []string{first.Address + ":2377"}, "JoinToken": token,
		}, nil)
	}
	group, groupCtx := errgroup.WithContext(ctx)
	for _, n := range l.nodes[1:] {
		if n.Role == RoleManager {
			if err := join(ctx, n, swarm.JoinTokens.Manager); err != nil {
				return fmt.Errorf("%s: %w", n.Name, err)
			}
		}
	}
	for _, n := range l.nodes[1:] {
		if n.Role == RoleWorker {
			group.Go(func() error {
				if err := join(groupCtx, n, swarm.JoinTokens.Worker); err != nil {
					return fmt.Errorf("%s: %w", n.Name, err)
				}
				return nil
			})
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return labelNodes(ctx, l)
}

// swarmNode is the part of the engine's node object that the lab reads.
type swarmNode struct {
	ID          string
	Version     struct{ Index uint64 }
	Spec        map[string]any
	Description struct{ Hostname string }
	Status      struct{ State string }
}

// labelNodes waits for every node to be ready and sets the labels asked for.
func labelNodes(ctx context.Context, l *Lab) error {
	ready := map[string]swarmNode{}
	for len(ready) < len(l.nodes) {
		var list []swarmNode
		if err := l.nodes[0].call(ctx, http.MethodGet, "/nodes", nil, &list); err != nil {
			return err
		}
		for _, sn := range list {
			if sn.Status.State == "ready" {
				ready[sn.Description.Hostname] = sn
			}
		}
		if len(ready) < len(l.nodes) {
			time.Sleep(20 * time.Millisecond) // ctx bounds it: the next call fails
		}
	}
	for _, np := range l.plan.Nodes {
		if len(np.Labels) == 0 {
			continue
		}
		if err := labelNode(ctx, l, ready[np.Name].ID, np.Labels); err != nil {
			return fmt.Errorf("label %s: %w", np.Name, err)
		}
	}
	return nil
}

// labelNode tries again when the Swarm itself changed the node in between.
func labelNode(ctx context.Context, l *Lab, id string, labels map[string]string) error {
	for {
		var sn swarmNode
		if err := l.nodes[0].call(ctx, http.MethodGet, "/nodes/"+id, nil, &sn); err != nil {
			return err
		}
		sn.Spec["Labels"] = labels
		path := fmt.Sprintf("/nodes/%s/update?version=%d", id, sn.Version.Index)
		err := l.nodes[0].call(ctx, http.MethodPost, path, sn.Spec, nil)
		if err == nil || !strings.Contains(err.Error(), "out of sequence") {
			return err
		}
	}
}
