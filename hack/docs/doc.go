// Command docs writes the parts of the documentation that follow from the code: the tables of flags, of reasons and
// events, and of the fields of the API. Package markdown says how a part is marked; parts that this program does not know
// are left alone, for others write them (hack/prometheus those of metrics and alerts). With -verify nothing is written,
// and a part that is stale is an error.
//
// Its tests hold the documentation against the code and against itself: no reason or event is missing, every link leads
// somewhere, every make target and every flag that is named exists.
package main
