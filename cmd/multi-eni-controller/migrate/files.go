package migrate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/migrate"
)

const (
	oldFile = "nodeenis-old.yaml"
	newFile = "nodeenis-new.yaml"
)

func (r *run) readFile() ([]*unstructured.Unstructured, error) {
	in := r.stdin
	if r.filename != "-" {
		file, err := os.Open(r.filename)
		if err != nil {
			return nil, fmt.Errorf("reading the old objects: %w", err)
		}
		defer file.Close()
		in = file
	}
	objects, err := migrate.ReadYAML(in)
	if err != nil {
		return nil, fmt.Errorf("reading the old objects from %s: %w", r.filename, err)
	}
	if len(objects) == 0 {
		return nil, fmt.Errorf("%s has no NodeENI", r.filename)
	}
	return objects, nil
}

// keep writes the backup and the new objects, if it is told where to.
func (r *run) keep(olds []*unstructured.Unstructured, objects []object) error {
	if r.backup == "" {
		return nil
	}
	var news []*unstructured.Unstructured
	for _, o := range objects {
		news = append(news, o.news...)
	}
	if err := os.MkdirAll(r.backup, 0o755); err != nil {
		return fmt.Errorf("making the folder of the backup: %w", err)
	}
	for _, file := range []struct {
		name    string
		objects []*unstructured.Unstructured
	}{{oldFile, olds}, {newFile, news}} {
		text, err := migrate.WriteYAML(file.objects)
		if err != nil {
			return err
		}
		if err := writeNew(filepath.Join(r.backup, file.name), text); err != nil {
			return err
		}
	}
	return nil
}

// writeNew writes a file that is not there: a backup may be the last copy of what it holds.
func writeNew(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already, and is not replaced: give another --backup", path)
	}
	if err != nil {
		return fmt.Errorf("writing the backup: %w", err)
	}
	_, err = file.Write(text)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}
