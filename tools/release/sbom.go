package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/CycloneDX/cyclonedx-go"
)

// writeBOM writes a bill of materials as JSON. It has no serial number, which
// would be another one each time.
func writeBOM(path string, bom *cyclonedx.BOM) error {
	var text bytes.Buffer
	if err := cyclonedx.NewBOMEncoder(&text, cyclonedx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false).Encode(bom); err != nil {
		return err
	}
	return os.WriteFile(path, text.Bytes(), 0o644)
}

// programBOM says what is in a program.
func programBOM(s source, p platform, program []byte, modules []module) *cyclonedx.BOM {
	refs := map[string]string{}
	main := cyclonedx.Component{
		Type: cyclonedx.ComponentTypeApplication, Name: "bastide", Version: s.version,
		Licenses: licenseChoices([]string{"Apache-2.0"}),
		Hashes:   &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: fmt.Sprintf("%x", sha256.Sum256(program))}},
		Properties: &[]cyclonedx.Property{
			{Name: "bastide:commit", Value: s.commit},
		},
	}
	var components []cyclonedx.Component
	for _, m := range modules {
		if m.version == "" { // ours
			main.PackageURL = fmt.Sprintf("pkg:golang/%s@%s?goarch=%s&goos=%s", m.path, s.version, p.arch, p.os)
			main.BOMRef, refs[m.path] = main.PackageURL, main.PackageURL
			continue
		}
		c := cyclonedx.Component{
			Type: cyclonedx.ComponentTypeLibrary, Name: m.path, Version: m.version,
			PackageURL: "pkg:golang/" + m.path + "@" + strings.ReplaceAll(m.version, "+", "%2B"),
			Scope:      cyclonedx.ScopeRequired, Licenses: licenseChoices(m.licenses),
		}
		if sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.sum, "h1:")); err == nil && len(sum) == sha256.Size {
			c.Hashes = &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: fmt.Sprintf("%x", sum)}}
		}
		c.BOMRef, refs[m.path] = c.PackageURL, c.PackageURL
		components = append(components, c)
	}
	dependencies := make([]cyclonedx.Dependency, 0, len(modules))
	for _, m := range modules {
		uses := []string{}
		for _, path := range m.uses {
			if ref := refs[path]; ref != "" {
				uses = append(uses, ref)
			}
		}
		dependencies = append(dependencies, cyclonedx.Dependency{Ref: refs[m.path], Dependencies: &uses})
	}
	bom := cyclonedx.NewBOM()
	bom.Metadata = &cyclonedx.Metadata{Timestamp: s.time.Format(time.RFC3339), Component: &main}
	bom.Components, bom.Dependencies = &components, &dependencies
	return bom
}

func licenseChoices(ids []string) *cyclonedx.Licenses {
	var choices cyclonedx.Licenses
	for _, id := range ids {
		choices = append(choices, cyclonedx.LicenseChoice{License: &cyclonedx.License{ID: id}})
	}
	return &choices
}

// packageBOM says what the npm package of dir needs when it runs, from the lock
// file there.
func packageBOM(ctx context.Context, s source, name, dir string) (*cyclonedx.BOM, error) {
	text, err := output(ctx, dir, nil, "npm", "sbom", "--sbom-format=cyclonedx", "--sbom-type=library", "--omit=dev", "--package-lock-only")
	if err != nil {
		return nil, err
	}
	// In references its at sign may be escaped.
	reference := strings.TrimPrefix(name, "@") + "@"
	text = bytes.ReplaceAll(text, []byte(reference+unreleased), []byte(reference+s.number()))
	bom := &cyclonedx.BOM{}
	if err := cyclonedx.NewBOMDecoder(bytes.NewReader(text), cyclonedx.BOMFileFormatJSON).Decode(bom); err != nil {
		return nil, err
	}
	bom.SerialNumber = ""
	if bom.Metadata == nil || bom.Metadata.Component == nil || bom.Components == nil || bom.Dependencies == nil {
		return nil, fmt.Errorf("npm sbom in %s names no component", dir)
	}
	bom.Metadata.Component.Name, bom.Metadata.Component.Version = name, s.number()
	bom.Metadata.Timestamp = s.time.Format(time.RFC3339)
	bom.Metadata.Tools = nil // the npm that was asked
	slices.SortFunc(*bom.Components, func(a, b cyclonedx.Component) int { return cmp.Compare(a.BOMRef, b.BOMRef) })
	slices.SortFunc(*bom.Dependencies, func(a, b cyclonedx.Dependency) int { return cmp.Compare(a.Ref, b.Ref) })
	return bom, nil
}
