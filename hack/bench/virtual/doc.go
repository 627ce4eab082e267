// Package virtual measures the whole controller - flags to finalizers, leader election, informers, queues, workers and
// the adapter with the real SDK - in bubbles of virtual time, beside the EC2 simulator with EC2's quotas and a strict
// API server. An hour takes seconds, the machine plays no part, and what comes out is how well EC2's quotas are used.
//
// A world has Nodes, each of them an m5.4xlarge, and NodeENIs that each select all of them. What is measured in it
// (phases.go) is set against the least that is possible (least.go), which follows from the simulator's quotas alone: an
// action that is called n times takes (n − bucket) ÷ refill seconds, whoever calls it. Attached is what the simulator
// holds for attached, not what a describe shows.
//
//	Nodes, NodeENIs ──► [ API server ] ◄──► replica-0, replica-1 ◄── distance ──► [ EC2 simulator ]
//	                          │                                                        │
//	                          └── writes ──────────► meter ◄── calls, states ──────────┘
//
// Every call is on its way for up to 20 ms before EC2 sees it, so that calls overtake each other as they do on a real
// network; whoever spends a token the moment there is one is throttled for it.
package virtual
