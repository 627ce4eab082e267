package controller

import (
	"context"
	"fmt"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/generated/clientset/versioned"
)

// liveFor is for how long one live read serves everybody who asks for the same object.
const liveFor = time.Second

// longestDecision is how long the live reads of one decision may take together. An API server that stalls between two
// of them answers the second one when what the first one showed is long past.
const longestDecision = 10 * time.Second

// recentEnough is an error when live reads that began then are too old, all together, to decide by.
func recentEnough(began time.Time) error {
	if took := time.Since(began); took > longestDecision {
		return fmt.Errorf("the live reads took %v, at most %v is recent enough to decide by", took.Round(time.Second), longestDecision)
	}
	return nil
}

// liveReads reads objects from the API server itself, past the caches, for the second decision before
// something is destroyed.
type liveReads struct {
	nodeENIs sharedReads[*v1alpha1.NodeENI]
	nodes    sharedReads[*corev1.Node]
	// all and allNodes have one entry each, named "".
	all      sharedReads[*v1alpha1.NodeENIList]
	allNodes sharedReads[*nodesByInstance]
	leases   sharedReads[*coordinationv1.Lease]
}

func newLiveReads(kube kubernetes.Interface, client versioned.Interface, leaseNamespace string) *liveReads {
	return &liveReads{
		nodeENIs: sharedReads[*v1alpha1.NodeENI]{get: func(ctx context.Context, name string) (*v1alpha1.NodeENI, error) {
			return client.NetworkingV1alpha1().NodeENIs().Get(ctx, name, metav1.GetOptions{})
		}},
		all: sharedReads[*v1alpha1.NodeENIList]{get: func(ctx context.Context, _ string) (*v1alpha1.NodeENIList, error) {
			return client.NetworkingV1alpha1().NodeENIs().List(ctx, metav1.ListOptions{})
		}},
		nodes: sharedReads[*corev1.Node]{get: func(ctx context.Context, name string) (*corev1.Node, error) {
			return kube.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		}},
		allNodes: sharedReads[*nodesByInstance]{get: func(ctx context.Context, _ string) (*nodesByInstance, error) {
			list, err := kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
			if err != nil {
				return nil, err
			}
			return sortNodes(list), nil
		}},
		leases: sharedReads[*coordinationv1.Lease]{get: func(ctx context.Context, name string) (*coordinationv1.Lease, error) {
			return kube.CoordinationV1().Leases(leaseNamespace).Get(ctx, name, metav1.GetOptions{})
		}},
	}
}

// sharedReads makes at most one read of an object per liveFor, however many ask.
type sharedReads[T any] struct {
	get func(ctx context.Context, name string) (T, error)

	mu      sync.Mutex
	entries map[string]*sharedRead[T]
	// enough is how many entries there may be before the old ones are looked for.
	enough int
}

type sharedRead[T any] struct {
	turn  turn
	at    time.Time
	value T
	found bool
}

// read returns the object and whether it exists.
func (s *sharedReads[T]) read(ctx context.Context, name string) (value T, found bool, err error) {
	entry := s.entry(name)
	entry.turn.take()
	defer entry.turn.give()
	if time.Since(entry.at) < liveFor {
		return entry.value, entry.found, nil
	}
	began := time.Now()
	value, err = s.get(ctx, name)
	switch {
	case err == nil:
		found = true
	case isAbsent(err):
	default:
		return value, false, fmt.Errorf("reading %T %s live: %w", value, name, err)
	}
	entry.at, entry.value, entry.found = began, value, found
	return value, found, nil
}

func (s *sharedReads[T]) entry(name string) *sharedRead[T] {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entries == nil {
		s.entries = map[string]*sharedRead[T]{}
	}
	s.prune()
	entry := s.entries[name]
	if entry == nil {
		entry = &sharedRead[T]{turn: newTurn()}
		s.entries[name] = entry
	}
	return entry
}

// prune keeps a mass release from leaving one entry per Node behind.
func (s *sharedReads[T]) prune() {
	const few = 512
	if len(s.entries) < max(few, s.enough) {
		return
	}
	defer func() { s.enough = 2 * len(s.entries) }()
	for name, entry := range s.entries {
		if entry.turn.tryTake() {
			if time.Since(entry.at) >= liveFor {
				delete(s.entries, name)
			}
			entry.turn.give()
		}
	}
}

// isAbsent tells an object that does not exist from an API server that does not serve its type: that one
// answers 404 as well, and must not make interfaces look unwanted.
func isAbsent(err error) bool {
	return apierrors.IsNotFound(err) && !apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse)
}
