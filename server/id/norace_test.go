//go:build !race

package id

// raceDetector tells tests to do less.
const raceDetector = false
