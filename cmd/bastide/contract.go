package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// contractPackage begins the names of the services; call does without it.
const contractPackage = "zitadel."

// contractServices are the services of the contract, as this program has it.
func contractServices() iter.Seq[protoreflect.ServiceDescriptor] {
	return func(yield func(protoreflect.ServiceDescriptor) bool) {
		protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
			services := file.Services()
			for i := range services.Len() {
				service := services.Get(i)
				if strings.HasPrefix(string(service.FullName()), contractPackage) && !yield(service) {
					return false
				}
			}
			return true
		})
	}
}

// contractMethod returns the method of a name as this program knows it. It
// returns a usageError, with the names that come near, if it does not.
func contractMethod(name string) (*reflected, error) {
	var names []protoreflect.FullName
	for service := range contractServices() {
		names = append(names, service.FullName())
	}
	serviceName, methodName := splitMethod(name)
	service, err := chooseService("this program", names, serviceName)
	if err != nil {
		return nil, err
	}
	return methodIn(protoregistry.GlobalFiles, service, methodName)
}

// reflectionShare is the part of a command's time that the server has to tell
// its methods: what is in the way may not answer at all.
const reflectionShare = 3

// method returns the method of a name as the server describes it. Where that
// cannot be had, for reflection is gRPC and takes HTTP/2 all the way, it is the
// method that this program knows. It returns a usageError for a name that there
// is not.
func (r *remote) method(ctx context.Context, name string) (*reflected, error) {
	asking := ctx
	if deadline, bounded := ctx.Deadline(); bounded {
		var cancel context.CancelFunc
		asking, cancel = context.WithTimeout(ctx, time.Until(deadline)/reflectionShare)
		defer cancel()
	}
	method, err := reflectMethod(asking, r.asking, r.url, name)
	if err == nil || errors.As(err, new(usageError)) || ctx.Err() != nil || isUnheard(err) {
		return method, err
	}
	method, unknown := contractMethod(name)
	if isTooLong(err) {
		err = fmt.Errorf("the server does not tell its methods: %w", errTooLong)
	}
	if unknown != nil {
		// How reflection failed is told and no more: its code, which may be that of
		// an interruption, says nothing of the command.
		return nil, fmt.Errorf("%v\nand %w", err, unknown)
	}
	return method, nil
}

// isUnheard reports whether a call failed before there was a connection to
// anybody.
func isUnheard(err error) bool {
	dialling := new(net.OpError)
	return errors.As(err, &dialling) && dialling.Op == "dial"
}
