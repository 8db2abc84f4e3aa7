package main

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

func TestMeter(t *testing.T) {
	if !measurable {
		t.Skip("processor time is measured on Linux only")
	}
	if parent, err := parentOf(os.Getpid()); err != nil || parent != os.Getppid() {
		t.Errorf("our parent is %d, %v; want %d", parent, err, os.Getppid())
	}
	self := ofProcess(os.Getpid())
	start, err := self.read()
	if err != nil {
		t.Fatal(err)
	}
	for used := time.Duration(0); used == 0; { // ends only if work is seen
		if used, err = self.since(start); err != nil {
			t.Fatal(err)
		}
	}
	if now, highest, err := memoryOf(os.Getpid()); err != nil || now <= 0 || highest < now {
		t.Errorf("memory: %d, at most %d, %v", now, highest, err)
	}
	if used, err := meter(nil).since(nil); used != 0 || err != nil {
		t.Errorf("no meter measures %s, %v", used, err)
	}
}

func TestMeterOfChildren(t *testing.T) {
	if !measurable {
		t.Skip("processor time is measured on Linux only")
	}
	cmd := exec.Command("cat")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	family, err := ofFamily(os.Getpid()).read()
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range []int{os.Getpid(), cmd.Process.Pid} {
		if family[pid] <= 0 {
			t.Errorf("process %d is not in the family: %v", pid, family)
		}
	}
	if family[os.Getppid()] != 0 {
		t.Error("the parent is in the family")
	}
	if err := stdin.Close(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if _, err := ofProcess(cmd.Process.Pid).read(); err == nil {
		t.Error("a process that ended is measured")
	}
}
