package controller

// uidOf is the UID of the NodeENI that has the name now, as the cache has it; empty when none has.
func (c *Controller) uidOf(name string) string {
	n, err := c.nodeENIs.Get(name)
	if err != nil {
		return ""
	}
	return string(n.UID)
}
