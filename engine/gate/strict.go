package gate

import (
	"bytes"
	"errors"
	"os"
)

// errStrict is what reading ends with when a request is not written as it should be; conn.refused says why.
var errStrict = errors.New("not a request this gate reads")

// noHead stands for a head that is refused: the server cannot read it either, and answers what unreadable says.
const noHead = "-\r\n\r\n"

// Read gives the server the bytes of one request, as far as the frame has taken them. What came behind it waits until the
// request is answered; a head that has not ended waits for its end.
func (c *conn) Read(p []byte) (int, error) {
	if c.frame.phase == ended {
		if !c.fresh {
			return 0, errStrict // the server sees the request end elsewhere
		}
		c.frame, c.given = frame{}, false
	}
	if len(c.ahead) > 0 {
		return c.give(p)
	}
	n, err := c.receive(p)
	if n == 0 {
		return 0, err
	}
	k, large, r := c.take(p[:n])
	if large {
		c.ahead = append(c.ahead, p[:n]...)
		c.granted = c.signed(k)
		return c.give(p)
	}
	if k == n {
		c.given = true
		return n, err
	}
	if r != admitted && r != ask {
		return c.refuse(p, r)
	}
	c.ahead = append(c.ahead, p[k:n]...)
	if k > 0 {
		c.given = true
		return k, nil
	}
	return c.give(p)
}

// give gives of what was received already, once it is known to be part of the request.
func (c *conn) give(p []byte) (int, error) {
	if c.fresh { // sent before the request ahead of it was answered
		c.fresh, c.first = false, c.last
	}
	if c.granted == 0 {
		err := c.grant()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return c.refuse(p, slow)
		}
		if err != nil {
			return 0, err
		}
		if c.refused != admitted {
			return c.refuse(p, c.refused)
		}
	}
	c.given = true
	n := copy(p, c.ahead[:c.granted])
	c.granted -= n
	if c.ahead = c.ahead[n:]; len(c.ahead) == 0 {
		c.ahead = nil
	}
	return n, nil
}

// take has the frame take what comes next. Of a request with a large body that is the head alone: its body is not read before it was
// let in, and so what comes then may claim.
func (c *conn) take(p []byte) (n int, large bool, r reason) {
	if c.frame.phase != inHead {
		if n, r = c.frame.take(p); r == admitted && !c.affords() {
			return 0, false, overloaded
		}
		return n, false, r
	}
	if n, r = c.frame.head(p); r != admitted || c.frame.large() {
		return n, r == admitted, r
	}
	k, r := c.frame.take(p[n:])
	return n + k, false, r
}

// grant has the frame take what was received, and receives more while a head has not ended. A head is looked at anew only
// when another line of it has ended, of which there are not many.
func (c *conn) grant() error {
	n, large, r := c.take(c.ahead)
	for r == ask {
		if len(c.ahead) >= c.g.o.MaxHeader {
			r = headTooLarge
			break
		}
		var part [512]byte
		k, err := c.receive(part[:min(len(part), c.g.o.MaxHeader-len(c.ahead))])
		if k == 0 {
			return err
		}
		if c.ahead = append(c.ahead, part[:k]...); bytes.IndexByte(part[:k], '\n') >= 0 {
			n, large, r = c.take(c.ahead)
		}
	}
	if large {
		n = c.signed(n)
	}
	c.granted = n
	if r != admitted {
		c.refused = r
	}
	return nil
}

// refuse ends the request.
func (c *conn) refuse(p []byte, r reason) (int, error) {
	c.refused, c.frame.phase = r, ended
	c.granted, c.ahead = 0, nil
	if c.given {
		return 0, errStrict
	}
	c.given = true
	return copy(p, noHead), nil
}
