package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// scalar reads a single value.
func (d *decoder) scalar(path string, node ast.Node, v reflect.Value, tag reflect.StructTag) {
	text, ok := d.text(path, node, kindName(v))
	if !ok {
		return
	}
	if v.Type() == secretType || v.Type() == redisType {
		at := d.at[path]
		at.text = NewSecret(text).String()
		if v.Type() == redisType {
			at.text = NewRedisURL(text).String()
		}
		d.at[path] = at
	}
	if d.expand != nil {
		expanded, err := d.expand(text)
		if err != nil {
			d.fail(path, "%s", err)
			return
		}
		text = expanded
	}
	if err := setScalar(v, text, tag); err != nil {
		d.fail(path, "%s", err)
	}
}

// kindName says what a value should be, for people.
func kindName(v reflect.Value) string {
	switch {
	case v.Type() == durationType:
		return "a length of time, as in 30m"
	case v.Kind() == reflect.Int || v.Kind() == reflect.Float64:
		return "a number"
	case v.Kind() == reflect.Bool:
		return "true or false"
	}
	return "a text"
}

// setScalar puts a text into v as the type of v wants it, and checks it against the tags.
func setScalar(v reflect.Value, text string, tag reflect.StructTag) error {
	switch {
	case v.Type() == secretType:
		v.Set(reflect.ValueOf(NewSecret(strings.TrimSpace(text))))
	case v.Type() == redisType:
		v.Set(reflect.ValueOf(NewRedisURL(strings.TrimSpace(text))))
	case v.Type() == durationType:
		length, err := ParseDuration(text)
		if err != nil {
			return err
		}
		if low, ok := tag.Lookup("min"); ok {
			if least, _ := ParseDuration(low); length < least {
				return fmt.Errorf("is too short; want %s or more", low)
			}
		}
		if tag.Get("above") == "0" && length == 0 {
			return errors.New("is no time at all; want more than 0s")
		}
		v.SetInt(int64(length))
	case v.Kind() == reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return errors.New("is not a whole number")
		}
		if low, ok := tag.Lookup("min"); ok {
			if least, _ := strconv.Atoi(low); n < least {
				return fmt.Errorf("is too small; want %s or more", low)
			}
		}
		v.SetInt(int64(n))
	case v.Kind() == reflect.Float64:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || n-n != 0 { // infinities and NaN
			return errors.New("is not a number")
		}
		if tag.Get("above") == "0" && n <= 0 {
			return errors.New("is too small; want more than 0, or leave it out for no limit")
		}
		if tag.Get("min") == "0" && n < 0 {
			return errors.New("is too small; want 0 or more")
		}
		v.SetFloat(n)
	case v.Kind() == reflect.Bool:
		if text != "true" && text != "false" {
			return errors.New("is neither true nor false")
		}
		v.SetBool(text == "true")
	default:
		if words, ok := tag.Lookup("oneof"); ok && !slices.Contains(strings.Fields(words), text) {
			return fmt.Errorf("is not one of %s%s", strings.Join(strings.Fields(words), ", "), didYouMean(text, strings.Fields(words)))
		}
		v.SetString(text)
	}
	return nil
}
