// Package migrate is the command "multi-eni-controller migrate": it reads the NodeENIs of the community's controller
// from the cluster or from a file, tells what package pkg/migrate makes of them, keeps a backup, and, unless it is a dry
// run, puts the new objects in the place of the old ones.
//
// The new objects hold no field that the other controller's CustomResourceDefinition lacks, so they can be written
// before ours is applied: at no time is there an object that fails validation, or one whose fields can not be seen. The
// order is: dry run with a backup, stop the other controller, migrate, install this one.
//
// Nothing is written while the other controller runs, while a name has no ID, while a field would be lost that --drop does not
// name, or over an edit that is younger than the backup. Objects that one becomes beside itself are made first, so that a
// run which failed halfway can be made again. Interfaces are not touched: those of the other controller stay where they
// are, and hold their device indexes. Its finalizer is taken off only on order.
package migrate
