package main

// catalogue holds one fault for each promise that the controller makes and could break quietly.
var catalogue = []mutant{
	{
		name: "others-interfaces", fault: "interfaces of other clusters count as ours in the list, in the plan and in the adapter",
		edits: []edit{
			{"pkg/plan/wanted.go", "if !ok || (owner.ClusterID != c.ID && !slices.Contains(c.AlsoOwned, owner.ClusterID)) {", "if !ok || !slices.Contains(append(c.AlsoOwned, c.ID, owner.ClusterID), owner.ClusterID) {"},
			{"pkg/inventory/store.go", "return owner, ok && slices.Contains(s.clusterIDs, owner.ClusterID)", "return owner, ok && slices.Contains(append(s.clusterIDs, owner.ClusterID), owner.ClusterID)"},
			{"pkg/cloud/interfaces.go", `byCluster := filter("tag:"+eni.TagClusterID, clusterIDs...)`, `byCluster := filter("tag-key", eni.TagClusterID)`},
			{"pkg/cloud/guard.go", "return ok && c.clusters[owner.ClusterID]", `return ok && owner.ClusterID != ""`},
		},
	},
	{
		name: "finalizer-at-once", fault: "the finalizer goes without asking whether EC2 has an interface left",
		edits: []edit{{"pkg/controller/status.go", "|| !c.inventory.AbsentFor(string(n.UID)) {", "|| c.inventory == nil {"}},
	},
	{
		name: "one-empty-list", fault: "one list that does not show a NodeENI's interfaces is enough to let its finalizer go",
		edits: []edit{{"pkg/inventory/absence.go", "w.confirmed = w.twice && a.whole", "w.confirmed = true"}},
	},
	{
		name: "gone-when-not-listed", fault: "an interface that one list does not show counts as gone",
		edits: []edit{
			{"pkg/inventory/missing.go", "case rd.began.Before(r.ShownAt) || s.tagsLost(r):\n", "case s.tagsLost(r):\n\tcase r.seen:\n\t\ts.gone(r, c)\n"},
		},
	},
	{
		name: "tags-lost-ignored", fault: "an interface that has lost its ownership tags holds no finalizer",
		edits: []edit{
			{"pkg/inventory/store.go", "return s.absence.absent(uid, len(s.byUID[uid]) > 0, now)", `for id := range s.byUID[uid] {
		if !s.tagsLost(s.records[id]) {
			return s.absence.absent(uid, true, now)
		}
	}
	return s.absence.absent(uid, false, now)`},
			{"pkg/controller/makestatus.go", "stored.Status, len(input.Releases), input.Now\n", `stored.Status, len(input.Releases), input.Now
	for _, r := range input.Releases {
		if r.Release.Reason == v1alpha1.ReasonTagsLost {
			made.releases--
		}
	}
`},
			{"pkg/inventory/merge.go", "= struct{}{}, true", "= struct{}{}, !s.tagsLost(&record{ObservedInterface: eni.ObservedInterface{Interface: list[i]}})"},
		},
	},
	{
		name: "rest-of-tags-ignored", fault: "an interface that had lost an ownership tag before the controller began is none of ours, whatever the others say",
		edits: []edit{{"pkg/inventory/store.go", "	case whole:\n", "	case whole || len(tags) > 0:\n"}},
	},
	{
		name: "create-not-awaited", fault: "the finalizer does not wait for a create whose answer was lost",
		edits: []edit{{"pkg/controller/attach.go", "end(nil, kind == eni.KindUnknownOutcome)", "end(nil, false)"}},
	},
	{
		name: "predecessors-create-not-awaited", fault: "the finalizer does not wait for what a predecessor has sent and EC2 has yet to carry out",
		edits: []edit{
			{"pkg/inventory/absence.go", "later(a.start.Add(a.deadline+a.horizon), a.since[uid])", "later(a.start.Add(a.horizon), a.since[uid])"},
			{"pkg/inventory/absence.go", "(scope == nil && !rd.began.Before(a.start.Add(a.deadline+a.horizon)))", "(scope == nil && !rd.began.Before(a.start.Add(a.horizon)))"},
		},
	},
	{
		name: "random-token-no-surplus", fault: "a repeated create has another client token, and of two interfaces for one slot none is taken away",
		edits: []edit{
			{"pkg/controller/tokens.go", "return int(t.steps[key.NodeENI][placeOf(key)].number)", "return int(time.Now().UnixNano())"},
			{"pkg/plan/wanted.go", "keeper.Attachment.Status == eni.Attached && !keeper.Missing {", "keeper.Attachment.Status == eni.Attached && keeper.Missing {"},
		},
	},
	{
		name: "no-delete-on-termination", fault: "delete-on-termination is never set",
		edits: []edit{{"pkg/plan/drift.go", "wanted := wantedDeleteOnTermination(p.n); wanted != keeper.Attachment.DeleteOnTermination {", "wanted := wantedDeleteOnTermination(p.n); wanted != keeper.Attachment.DeleteOnTermination && p.n == nil {"}},
	},
	{
		name: "status-as-truth", fault: "a NodeENI whose status says that all is attached is not looked at in EC2",
		edits: []edit{{
			"pkg/controller/attach.go", "	c.tellNews(planned, snapshot, result, \"\")\n	c.showOnNodes(snapshot, result)", `	believed := func(n *v1alpha1.NodeENI) bool {
		return slices.ContainsFunc(n.Status.Attachments, func(a v1alpha1.Attachment) bool {
			return a.InstanceID == instanceID && a.State == v1alpha1.AttachmentAttached
		})
	}
	result.Attach = slices.DeleteFunc(result.Attach, func(a plan.Action) bool {
		n := ownerIn(snapshot, a)
		return n != nil && believed(n)
	})
	c.tellNews(planned, snapshot, result, "")
	c.showOnNodes(snapshot, result)`,
		}},
	},
	{
		name: "no-second-look", fault: "what destroys is decided from the caches alone",
		edits: []edit{{"pkg/controller/cleanup.go", "	snapshot, err := c.gatherLive(ctx, instanceID, action)\n", "	snapshot, err := c.gather(instanceID)\n"}},
	},
	{
		name: "no-fence", fault: "a leader whose lease has expired goes on calling EC2",
		edits: []edit{{"cmd/multi-eni-controller/app/fence.go", "return f.until, time.Now().Before(f.until)", "return time.Now().Add(time.Hour), true"}},
	},
	{
		name: "own-writes-forgotten", fault: "a lagging read overrules what a call of ours was answered",
		edits: []edit{{"pkg/inventory/merge.go", "if r.attachment.overrules(rd.began, s.horizon, same || s.follows(rd, r, known, shown)) {", "if r.attachment.overrules(rd.began, 0, true) {"}},
	},
	{
		name: "others-slots-ignored", fault: "whether somebody else's interface has the device index is not looked at",
		edits: []edit{{"pkg/plan/places.go", "		if other.Slot == slot {\n", "		if other.Slot == slot && other.ID == \"\" {\n"}},
	},
	{
		name: "no-sweep", fault: "interfaces whose NodeENI was forced away are never swept",
		edits: []edit{{"pkg/plan/release.go", "due := since.At.Add(orphanAge)", "due := v.Now.Add(orphanAge)"}},
	},
	{
		name: "setbacks-forgotten", fault: "a call that EC2 refused is made again after the same short time each time",
		edits: []edit{{"pkg/controller/setback.go", "s.step = min(max(2*s.step, firstSetback), maxSetback)", "s.step = firstSetback"}},
	},
	{
		name: "dying-detached", fault: "interfaces are detached from instances that are shutting down",
		edits: []edit{
			{"pkg/plan/release.go", "case state.Dying():\n\t\tr.watch()\n", "case state.Dying() && r.iface.ID == \"\":\n\t\tr.watch()\n"},
			{"pkg/plan/release.go", "case state == eni.InstanceRunning || state == eni.InstanceStopped || state == eni.InstancePending:", "case state == eni.InstanceRunning || state == eni.InstanceStopped || state == eni.InstancePending || state.Dying():"},
		},
	},
	{
		name: "label-loss-missed", fault: "a change of a Node's labels goes unnoticed",
		edits: []edit{{"pkg/controller/handlers.go", "old.Spec.ProviderID == node.Spec.ProviderID && maps.Equal(old.Labels, node.Labels) {", "old.Spec.ProviderID == node.Spec.ProviderID {"}},
	},
	{
		name: "node-by-name", fault: "an interface stays when its Node was made again under its name with another instance",
		edits: []edit{
			{"pkg/plan/wanted.go", "case here && v.Node == nil:\n", "case here && v.Node == nil && v.NodeGoneSince.IsZero():\n"},
			{"pkg/plan/wanted.go", "case !Selects(n, v.Node):\n", "case v.Node != nil && !Selects(n, v.Node):\n"},
		},
	},
	{
		name: "groups-not-kept", fault: "security groups that somebody changed are left as they are",
		edits: []edit{{"pkg/plan/drift.go", "!slices.Equal(wanted, keeper.SecurityGroupIDs) {", "len(keeper.SecurityGroupIDs) == 0 {"}},
	},
	{
		name: "invisible-is-gone", fault: "EC2's answer that an interface does not exist is believed at once when it is to be deleted, and no list is wanted then",
		edits: []edit{
			{"pkg/inventory/ownwrites.go", "if ok && now.Before(r.known.Add(s.horizon)) {", "if ok && now.Before(r.known.Time()) {"},
			{"pkg/inventory/ownwrites.go", "	return true, s.deleted(id, now)\n", "	c = s.deleted(id, now)\n	if ok {\n		s.absence.waiting[r.owner.NodeENIUID] = &wait{asked: now, confirmed: true}\n	}\n	return true, c\n"},
		},
	},
	{
		name: "stale-status", fault: "the status is written once and then only when the spec changes",
		edits: []edit{{"pkg/controller/status.go", "	if sameStatus(&stored, &status) {", "	if sameStatus(&stored, &status) || (stored.ObservedGeneration == n.Generation && n.DeletionTimestamp.IsZero()) {"}},
	},
	{
		name: "taint-too-early", fault: "a Node loses the readiness taint when the first of its interfaces is attached",
		edits: []edit{{"pkg/plan/node.go", "edit.Taints = taintsFor(node, options, ready == len(wanted))", "edit.Taints = taintsFor(node, options, ready > 0 || len(wanted) == 0)"}},
	},
	{
		name: "taints-written-over", fault: "a Node's taints are replaced whatever has changed of them since they were read",
		edits: []edit{{"pkg/controller/nodeedits.go", `metadata["resourceVersion"] = node.ResourceVersion`, `_ = node.ResourceVersion`}},
	},
	{
		name: "node-not-kept", fault: "what somebody else makes of a Node's annotation goes unnoticed",
		edits: []edit{{"pkg/plan/node.go", "	if has && stored == string(data) {\n", "	if has && (stored == string(data) || !strings.Contains(stored, \"subnetCIDR\")) {\n"}},
	},
	{
		name: "node-gone-by-name", fault: "an instance counts as one without a Node when no Node has the name that its Node had",
		edits: []edit{{
			"pkg/controller/livenodes.go", "	return all.naming[cached.InstanceID], firstLike(all.unplaced, like), nil\n", `	return slices.DeleteFunc(slices.Clone(all.naming[cached.InstanceID]), func(node *corev1.Node) bool { return !like.Names[node.Name] }), firstLike(all.unplaced, like), nil
`,
		}},
	},
	{
		name: "late-instance-is-none", fault: "a Node that names no instance yet counts as one that is gone",
		edits: []edit{{"pkg/plan/unplaced.go", `return v.Node == nil && v.Unplaced != "" && !v.instanceGone()`, `return v.Node == nil && v.Unplaced != "" && v.instanceGone()`}},
	},
	{
		name: "guard-off", fault: "however many interfaces would go by accident, cleanup never halts",
		edits: []edit{{"pkg/plan/exodus.go", "return e.Threshold > 0 && going >= leastExodus &&", "return e.Threshold > 1 && going >= leastExodus &&"}},
	},
	{
		name: "halt-forgotten", fault: "whoever leads next does not know how many interfaces went by accident",
		edits: []edit{{"pkg/controller/exodusrecord.go", "c.exodus.inherit(c.record.room, time.Now())", "c.exodus.inherit(0, time.Now())"}},
	},
}
