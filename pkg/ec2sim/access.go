package ec2sim

// principal is who a call is made by.
type principal struct {
	name     string
	policies []policy
}

// access knows the principals. Without any, everybody who signs may do anything.
type access struct{ byKey map[string]*principal }

func newAccess(list []Principal) (*access, error) {
	a := &access{byKey: map[string]*principal{}}
	for i, form := range list {
		p := &principal{name: form.Name}
		for j, doc := range form.Documents {
			parsed, err := parsePolicy(doc)
			if err != nil {
				return nil, wrong("", err.Error(), "principals[%d].policies[%d]", i, j)
			}
			p.policies = append(p.policies, parsed)
		}
		a.byKey[form.AccessKey] = p
	}
	return a, nil
}

// principalOf is nil where there are no principals.
func (a *access) principalOf(key string) (*principal, error) {
	if len(a.byKey) == 0 {
		return nil, nil
	}
	p, ok := a.byKey[key]
	if !ok {
		return nil, fail("AuthFailure", "AWS was not able to validate the provided access credentials")
	}
	return p, nil
}
