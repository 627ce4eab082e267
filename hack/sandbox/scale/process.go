package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit in which Linux counts a process's CPU time, on every architecture that Go runs on.
// Source: proc_pid_stat(5), and sysconf(_SC_CLK_TCK)
const tick = 10 * time.Millisecond

// cpuOf is the CPU time that a process has used so far.
func cpuOf(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields, err := afterName(stat)
	if err != nil {
		return 0, err
	}
	// The third field of all comes first here; utime and stime are the fourteenth and the fifteenth.
	user, errUser := strconv.ParseInt(fields[11], 10, 64)
	system, errSystem := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick, errors.Join(errUser, errSystem)
}

// afterName are the fields of /proc/PID/stat behind the program's name, which may hold anything.
func afterName(stat []byte) ([]string, error) {
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 13 {
		return nil, fmt.Errorf("%q is not what /proc/PID/stat says", stat)
	}
	return fields, nil
}

// memoryOf is a figure of /proc/PID/status in bytes: VmRSS, VmHWM.
func memoryOf(pid int, figure string) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	return memoryIn(string(status), figure)
}

func memoryIn(status, figure string) (int64, error) {
	for line := range strings.Lines(status) {
		if rest, ok := strings.CutPrefix(line, figure+":"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kib * 1024, err
		}
	}
	return 0, fmt.Errorf("/proc/PID/status has no %s", figure)
}

// childNamed finds the child of this process that runs a program.
func childNamed(name string) (int, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	for _, file := range stats {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended meanwhile
		}
		fields, err := afterName(stat)
		if err != nil || fields[1] != strconv.Itoa(os.Getpid()) || !bytes.Contains(stat, []byte("("+name+")")) {
			continue
		}
		return strconv.Atoi(filepath.Base(filepath.Dir(file)))
	}
	return 0, fmt.Errorf("no child of this process is %s", name)
}

// processes are those whose CPU time counts.
type processes map[string]int

// cpu is what each of them has used so far.
func (p processes) cpu() (map[string]time.Duration, error) {
	used := map[string]time.Duration{}
	for name, pid := range p {
		cpu, err := cpuOf(pid)
		if err != nil {
			return nil, fmt.Errorf("reading the CPU time of %s: %w", name, err)
		}
		used[name] = cpu
	}
	return used, nil
}
