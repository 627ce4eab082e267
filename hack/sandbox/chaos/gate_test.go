package chaos

import (
	"io"
	"net"
	"sync"
)

// gate is a network of which the packets can be lost: a connection stays open, but nothing comes through it any more;
// when the network is back, it is reset.
type gate struct {
	net.Listener

	mu    sync.Mutex
	shut  chan struct{} // closed when shut; a new one when open again
	open  chan struct{} // closed when open again
	conns map[*gated]bool
}

func newGate(listener net.Listener) *gate {
	return &gate{Listener: listener, shut: make(chan struct{}), open: make(chan struct{}), conns: map[*gated]bool{}}
}

// Accept takes connections at any time: the kernel does, too.
func (g *gate) Accept() (net.Conn, error) {
	conn, err := g.Listener.Accept()
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	through := &gated{Conn: conn, gate: g, shut: g.shut, open: g.open, closed: make(chan struct{})}
	g.conns[through] = true
	return through, nil
}

// lose loses everything from now on.
func (g *gate) lose() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.shut)
}

// restore lets new connections through again, and resets those that have lost something.
func (g *gate) restore() {
	g.mu.Lock()
	lost := g.conns
	close(g.open)
	g.conns, g.shut, g.open = map[*gated]bool{}, make(chan struct{}), make(chan struct{})
	g.mu.Unlock()
	for conn := range lost {
		_ = conn.Close() // whoever is at the other end may be gone
	}
}

// gated is one connection through the gate.
type gated struct {
	net.Conn
	gate       *gate
	shut, open chan struct{}
	closing    sync.Once
	closed     chan struct{}
}

func (c *gated) lost() bool {
	select {
	case <-c.shut:
		return true
	default:
		return false
	}
}

func (c *gated) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if !c.lost() {
		return n, err
	}
	select {
	case <-c.open:
	case <-c.closed:
	}
	return 0, io.EOF
}

func (c *gated) Write(p []byte) (int, error) {
	if c.lost() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

func (c *gated) Close() error {
	c.closing.Do(func() { close(c.closed) })
	c.gate.mu.Lock()
	delete(c.gate.conns, c)
	c.gate.mu.Unlock()
	return c.Conn.Close()
}
