package ec2sim

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// This file is what goes on in an account without the caller's doing: somebody launches
// and ends instances, makes, moves and deletes interfaces.

// Launch starts an instance; without a state it is running at once.
func (s *Simulator) Launch(form Instance) (InstanceNow, error) {
	var out InstanceNow
	if form.ID != "" {
		if err := instanceID.check(form.ID); err != nil {
			return out, err
		}
	}
	if _, ok := stateCodes[orDefault(form.State, running)]; !ok {
		return out, badValue("state", form.State, "Expecting an instance state.")
	}
	if err := checkWorldTags(form.Tags); err != nil {
		return out, err
	}
	var err error
	s.locked(func(now time.Time) {
		var in *instance
		err = s.wholly(func() (err error) {
			in, err = s.launchWorlds(form, now)
			return err
		})
		if err == nil {
			out = in.now()
		}
	})
	return out, err
}

// PlaceInterface makes an interface as somebody else would, attached if its form says
// so, without any latency.
func (s *Simulator) PlaceInterface(form Interface) (InterfaceNow, error) {
	var out InterfaceNow
	if form.ID != "" {
		if err := interfaceID.check(form.ID); err != nil {
			return out, err
		}
	}
	if form.Type != "" && !slices.Contains(worldInterfaceTypes, form.Type) {
		return out, badValue("type", form.Type, "Expecting one of "+strings.Join(worldInterfaceTypes, ", ")+".")
	}
	if err := checkWorldTags(form.Tags); err != nil {
		return out, err
	}
	var err error
	s.locked(func(time.Time) {
		var e *networkInterface
		err = s.wholly(func() (err error) {
			e, err = s.place(form)
			return err
		})
		if err == nil {
			out = e.now()
		}
	})
	return out, err
}

func postInstance(s *Simulator, r *http.Request, _ []string) (any, error) {
	var form Instance
	if err := readBody(r, &form); err != nil {
		return nil, err
	}
	return s.Launch(form)
}

func postInterface(s *Simulator, r *http.Request, _ []string) (any, error) {
	var form Interface
	if err := readBody(r, &form); err != nil {
		return nil, err
	}
	return s.PlaceInterface(form)
}

// onInstance makes a control of a transition. With ?now=true the latency is skipped.
func onInstance(do transition) func(*Simulator, *http.Request, []string) (any, error) {
	return func(s *Simulator, r *http.Request, part []string) (out any, err error) {
		s.locked(func(now time.Time) {
			in, ok := s.instances.byID[part[1]]
			if !ok {
				err = errNoSuch
				return
			}
			if err = do(s, in, now); err == nil && r.URL.Query().Get("now") == "true" {
				s.moved(in.id, in.turn, now)
			}
			out = in.now()
		})
		return out, err
	}
}

// onInterface runs f on an interface behind everybody's back, and shows what became of it.
func (s *Simulator) onInterface(id string, f func(e *networkInterface) error) (out any, err error) {
	s.locked(func(time.Time) {
		e, ok := s.interfaces.byID[id]
		if !ok {
			err = errNoSuch
			return
		}
		if err = f(e); err == nil {
			out = e.now()
		}
	})
	return out, err
}

// attachBehind attaches at once.
func attachBehind(s *Simulator, r *http.Request, part []string) (any, error) {
	var form Attachment
	if err := readBody(r, &form); err != nil {
		return nil, err
	}
	return s.onInterface(part[1], func(e *networkInterface) error {
		if e.attachment != nil {
			return fail("InvalidNetworkInterface.InUse", "Interface: [%s] in use.", e.id)
		}
		return s.placeAt(e, form)
	})
}

// detachBehind detaches as somebody else's call would, with its latency, which
// ?now=true skips. Nobody can take an instance's primary interface from it.
func detachBehind(s *Simulator, r *http.Request, part []string) (any, error) {
	return s.onInterface(part[1], func(e *networkInterface) error {
		if e.attachment == nil {
			return fail("IncorrectState", "The interface '%s' is not attached.", e.id)
		}
		if e.attachment.primary() {
			return errPrimary()
		}
		if r.URL.Query().Get("now") == "true" {
			s.unplug(e)
			return nil
		}
		s.startDetach(e, false, false)
		return nil
	})
}

// deleteBehind deletes at once, attached or not, but no primary interface.
func deleteBehind(s *Simulator, _ *http.Request, part []string) (any, error) {
	return s.onInterface(part[1], func(e *networkInterface) error {
		if e.attachment != nil && e.attachment.primary() {
			return errPrimary()
		}
		if e.attachment != nil {
			s.unplug(e)
		}
		s.removeInterface(e)
		return nil
	})
}
