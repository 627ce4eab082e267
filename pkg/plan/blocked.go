package plan

// Blocked reports whether nothing goes on for the attachment without help, which is how a status counts it.
func (r AttachmentReport) Blocked() bool { return blocked(&r) }
