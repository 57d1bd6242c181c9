package importer

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/dialerd/dialerd/campaign"
)

// aliases are the headers that lists use for a role, in the form of plain: English, then German, French, Spanish, Italian,
// Portuguese, Dutch, Polish and Nordic. The first alias of a role that a list has wins.
//
// What is not here on purpose: "id" for the key (lists of a CRM have one on every row, and a person who is on them twice would
// be two leads), "region" for the state (it is "Northeast" as often), "status" and "date" for anything.
//
//nolint:misspell // they are words of many languages
var aliases = map[string]string{
	campaign.RolePhone: `phone phonenumber telephone telephonenumber tel telno telnumber phoneno phonenum
		mobile mobilephone mobilenumber mobileno mobilephonenumber cell cellphone cellnumber cellular cellphonenumber
		primaryphone primaryphonenumber mainphone phone1 phone1value phonenumber1 telephone1 mobile1 contactnumber contactphone contactphonenumber
		customerphone leadphone clientphone homephone homephonenumber dayphone daytimephone eveningphone workphone businessphone
		officephone msisdn whatsapp whatsappnumber phonee164 e164
		telefon telefonnummer telefonnr rufnummer handy handynummer handynr mobil mobilnummer mobiltelefon mobilnr
		numerodetelephone numtelephone numtel telephoneportable telportable portable telephonemobile numeromobile gsm
		telefono numerodetelefono telefonomovil movil numeromovil celular numerocelular telefonocelular
		cellulare numeroditelefono numerotelefono numerocellulare telefonocellulare
		telefone numerodetelefone telemovel numerodetelemovel
		telefoon telefoonnummer mobiel mobielnummer mobieletelefoon
		numertelefonu komorka telefonkomorkowy nrtelefonu
		telefonnumer mobilnr number`,
	campaign.RoleName: `name fullname contactname customername clientname leadname personname displayname contact
		vollername vollstandigername kundenname ansprechpartner nomcomplet nometprenom prenomnom prenometnom
		nombrecompleto nombreyapellidos nombre nomecompleto nominativo nomeecognome nome
		naam volledigenaam imieinazwisko namn fulltnavn navn`,
	campaign.RoleFirstName: `firstname first givenname forename fname firstnames
		vorname prenom primernombre nombres primeironome voornaam imie fornamn fornavn`,
	campaign.RoleLastName: `lastname last surname familyname lname
		nachname familienname zuname nom nomdefamille apellido apellidos cognome sobrenome apelido apelidos
		achternaam nazwisko efternamn etternavn efternavn`,
	campaign.RoleEmail: `email emailaddress mail mailaddress emailid emailadress primaryemail workemail email1 email1value
		emailadresse mailadresse courriel adressemail adresseemail adressecourriel correo correoelectronico
		postaelettronica indirizzoemail enderecodeemail emailadres adresemail epost epostadress epostadresse`,
	campaign.RoleState: `state stateprovince stateorprovince provincestate province usstate statecode provincecode st
		homestate mailingstate billingstate addressstate stateabbreviation stateabbr estado etat bundesland`,
	campaign.RoleZIP: `zip zipcode postalcode postcode zippostalcode postalzip ziporpostalcode zip5 zipcode5 mailingzip billingzip homezip
		mailingpostalcode billingpostalcode plz postleitzahl codepostal codigopostal codicepostale codigodepostal cep
		kodpocztowy postnummer postnr cap`,
	campaign.RoleTimezone: `timezone tz timezonename timezoneid ianatimezone localtimezone
		zeitzone fuseauhoraire zonahoraria husohorario fusoorario fusohorario tijdzone strefaczasowa tidszon tidssone`,
	campaign.RoleCountry: `country countrycode countryname countryregion mailingcountry billingcountry homecountry nation
		land staat pays pais paese nazione kraj`,
	campaign.RoleKey: `key externalid externalkey extid leadkey dialerdkey`,
	campaign.RoleTags: `tags tag labels label
		schlagworte etiketten etiquettes etiquetas etichette`,
	campaign.RolePriority: `priority prio leadpriority
		prioritat priorite prioridad priorita prioridade prioriteit priorytet prioritet`,
	campaign.RoleNotBefore: `notbefore donotcallbefore dontcallbefore callafter callnotbefore nichtvor`,
	campaign.RoleNotAfter:  `notafter donotcallafter dontcallafter callbefore callnotafter nichtnach`,
	campaign.RoleCallback: `callbacktime callback callbackat callbackdate callbackdatetime callmebackat
		ruckruf ruckrufzeit wiedervorlage rappel daterappel devolverllamada`,
	campaign.RoleConsent: `consent optin optedin consentgiven tcpaconsent consenttype
		einwilligung zustimmung consentement consentimiento consenso consentimento toestemming zgoda samtycke samtykke`,
	campaign.RoleConsentSource: `consentsource consentproof`,
	campaign.RoleConsentScope:  `consentscope consentpurpose`,
	campaign.RoleConsentAt: `consentat consentdate consenttime consenttimestamp consentdatetime dateofconsent optindate optinat optintime optintimestamp
		tcpaconsentdate consentgivenat einwilligungam einwilligungsdatum dateconsentement fechaconsentimiento fechadeconsentimiento
		dataconsenso datadeconsentimento toestemmingsdatum`,
}

// furtherAliases are the headers of phones that are nobody's first, in the form of plain.
const furtherAliases = `phone2 phonenumber2 telephone2 mobile2 mobilephone2 cell2 cellphone2 homephone2 workphone2
	secondaryphone secondphone alternatephone alternativephone altphone alternatephonenumber altphonenumber otherphone otherphonenumber
	backupphone additionalphone backupnumber
	telefon2 handy2 telefonnummer2 zweittelefon mobil2 telefono2 celular2 telefonoalternativo otrotelefono telefonosecundario
	telephone2 tel2 autretelephone portable2 telefone2 telefoon2
	phone2value phone3value
	phone3 phonenumber3 telephone3 mobile3 tel3 telefon3 telefono3 phone4 phonenumber4`

// furtherRank is plain header → its place among the headers of further phones: the usual ones first.
var furtherRank = func() map[string]int {
	ranks := map[string]int{}
	for i, word := range append(strings.Fields(aliases[campaign.RolePhone]), strings.Fields(furtherAliases)...) {
		if _, twice := ranks[word]; !twice && word != "number" { // which is as often that of a house
			ranks[word] = i
		}
	}
	return ranks
}()

// aliasRank is role → plain header → its place among the role's aliases.
var aliasRank = func() map[string]map[string]int {
	ranks := make(map[string]map[string]int, len(aliases))
	for role, words := range aliases {
		ranks[role] = map[string]int{}
		for i, word := range strings.Fields(words) {
			if _, twice := ranks[role][word]; !twice {
				ranks[role][word] = i
			}
		}
	}
	return ranks
}()

// isPhoneHeader reports whether a header is a usual one of phones.
func isPhoneHeader(header string) bool {
	_, ok := aliasRank[campaign.RolePhone][plain(header)]
	return ok
}

// plain is a header without what makes no difference: case, accents, spaces and punctuation.
func plain(header string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(header) {
		switch {
		case r == 'ß':
			b.WriteString("ss")
		case r == 'ø' || r == 'Ø':
			b.WriteByte('o')
		case r == 'ł' || r == 'Ł':
			b.WriteByte('l')
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}
