package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/semver"
)

// source is what is released.
type source struct {
	version string // v1.2.3
	commit  string
	// time is that of the commit: nothing in a release knows of another clock.
	time time.Time
}

// number is the version as files and packages are named: without the v.
func (s source) number() string { return strings.TrimPrefix(s.version, "v") }

// readSource returns what the working directory holds. The version is that of
// the tag if none is given. It returns an error for what is not committed,
// unless dirty, and for a version that is none.
func readSource(ctx context.Context, version string, dirty bool) (s source, err error) {
	git := func(args ...string) string {
		if err != nil {
			return ""
		}
		var text []byte
		text, err = output(ctx, ".", nil, "git", args...)
		return strings.TrimSpace(string(text))
	}
	s.commit = git("rev-parse", "HEAD")
	committed := git("log", "-1", "--format=%ct")
	changed := git("status", "--porcelain")
	tags := git("tag", "--points-at", "HEAD")
	if err != nil {
		return s, err
	}
	if changed != "" {
		if !dirty {
			return s, fmt.Errorf("some files are not committed; commit them, or give -dirty:\n%s", changed)
		}
		s.commit += "-dirty"
	}
	if s.version, err = chooseVersion(version, strings.Fields(tags)); err != nil {
		return s, err
	}
	// https://reproducible-builds.org/specs/source-date-epoch/
	if epoch := os.Getenv("SOURCE_DATE_EPOCH"); epoch != "" {
		committed = epoch
	}
	seconds, err := strconv.ParseInt(committed, 10, 64)
	if err != nil || seconds < 0 {
		return s, fmt.Errorf("SOURCE_DATE_EPOCH: %q is no number of seconds since 1970", committed)
	}
	s.time = time.Unix(seconds, 0).UTC()
	return s, nil
}

// chooseVersion returns the version given, or else the one tag that is a
// version.
func chooseVersion(given string, tags []string) (string, error) {
	if given != "" {
		if semver.Canonical(given) != given {
			return "", fmt.Errorf("-version: %q is no version: give one such as v1.2.3 or v1.2.3-rc.1", given)
		}
		return given, nil
	}
	var versions []string
	for _, tag := range tags {
		if semver.Canonical(tag) == tag {
			versions = append(versions, tag)
		}
	}
	switch len(versions) {
	case 0:
		return "", errors.New("the commit has no tag that is a version, such as v1.2.3: tag it, or give -version")
	case 1:
		return versions[0], nil
	}
	return "", fmt.Errorf("the commit has several versions, %s: choose one with -version", strings.Join(versions, " and "))
}
