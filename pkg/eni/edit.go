package eni

import "context"

type editKey struct{}

// WithEdit marks the calls under a context as those that carry out an edit of a spec. Where they compete with calls that
// put right what something else has changed, these come first.
func WithEdit(ctx context.Context) context.Context { return context.WithValue(ctx, editKey{}, true) }

// IsEdit reports whether WithEdit has marked the context.
func IsEdit(ctx context.Context) bool { return ctx.Value(editKey{}) != nil }
