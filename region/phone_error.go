package region

import (
	"errors"
	"fmt"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// PhoneCode says in one word what is wrong with a phone number.
type PhoneCode string

// The codes.
const (
	PhoneEmpty       PhoneCode = "empty"
	PhoneNotANumber  PhoneCode = "not_a_number"
	PhoneTooShort    PhoneCode = "too_short"
	PhoneTooLong     PhoneCode = "too_long"
	PhoneExcelDamage PhoneCode = "excel_damage"
	PhoneInvalid     PhoneCode = "invalid_number"
	PhoneNoCountry   PhoneCode = "no_country"
	PhoneEmergency   PhoneCode = "emergency"
	PhoneAmbiguous   PhoneCode = "ambiguous_number"
)

// PhoneError says what is wrong with a phone number and how to mend it. It never holds the number.
type PhoneError struct {
	Code   PhoneCode
	Digits int    // how many digits there were
	Fix    string // what a person can do about it
}

func (e *PhoneError) Error() string {
	return fmt.Sprintf("phone %s (%d digits): %s", e.Code, e.Digits, e.Fix)
}

var phoneFixes = map[PhoneCode]string{
	PhoneEmpty:       "fill in a phone number",
	PhoneNotANumber:  "write a phone number such as +1 415 555 0123",
	PhoneTooShort:    "write it in full, with its area code",
	PhoneTooLong:     "remove the surplus digits, or write + and the country code before a foreign number",
	PhoneExcelDamage: "digits were lost in a spreadsheet: export the list again with the column formatted as text",
	PhoneInvalid:     "no such number can exist: check the area code and the first digits",
	PhoneNoCountry:   "write + and the country code before it, or name the country of the list",
	PhoneAmbiguous:   "it can be read with its country code or without: write + before the country code",
	PhoneEmergency:   "this is an emergency number: remove it",
}

func phoneError(code PhoneCode, digits int) *PhoneError {
	return &PhoneError{Code: code, Digits: digits, Fix: phoneFixes[code]}
}

// parseFault puts an error of the phone library into our words.
func parseFault(err error, text string, digits int) *PhoneError {
	switch {
	case errors.Is(err, phonenumbers.ErrInvalidCountryCode):
		if strings.HasPrefix(text, "+") {
			return phoneError(PhoneInvalid, digits)
		}
		if digits < 7 {
			return phoneError(PhoneTooShort, digits)
		}
		return phoneError(PhoneNoCountry, digits)
	case errors.Is(err, phonenumbers.ErrTooShortAfterIDD), errors.Is(err, phonenumbers.ErrTooShortNSN):
		return phoneError(PhoneTooShort, digits)
	case errors.Is(err, phonenumbers.ErrNumTooLong):
		return phoneError(PhoneTooLong, digits)
	}
	switch {
	case digits > 17:
		return phoneError(PhoneTooLong, digits)
	case digits > 0 && digits < 7:
		return phoneError(PhoneTooShort, digits)
	}
	return phoneError(PhoneNotANumber, digits)
}
