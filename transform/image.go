package transform

import (
	"html"
	"strconv"
	"strings"

	"offerlake/pipeline/catalog"
)

// imageBase is what relative image paths of the official gateway are relative to.
const imageBase = "https://cbu01.alicdn.com/"

// maxURL is the length in bytes of the longest address that is accepted.
const maxURL = 2048

// ImageURL returns the address of an image as absolute https: "//host/…" and
// http are brought to https, the platform's relative paths ("img/ibank/…") to
// its image host, and bytes that no address holds are percent-encoded. A size
// behind the file's ending, as in "a.jpg_800x800.jpg", asks the host for a copy
// of the picture: the address is that of the picture. It reports false for text
// that is no address, data: URIs included.
func ImageURL(s string) (string, bool) {
	if strings.HasPrefix(s, "img/") || strings.HasPrefix(s, "/img/") {
		s = imageBase + strings.TrimPrefix(s, "/")
	}
	url, ok := webURL(s)
	return withoutSize(url), ok
}

// withoutSize cuts the size behind an image's file name.
func withoutSize(url string) string {
	i := strings.LastIndexByte(url, '_')
	if i < 0 || i+1 == len(url) || url[i+1] != '.' && (url[i+1] < '0' || url[i+1] > '9') {
		return url
	}
	if url[i+1:] == ".webp" && endsInImage(url[:i]) { // another form of the copy
		return withoutSize(url[:i])
	}
	wide, rest, ok := strings.Cut(url[i+1:], "x")
	if !ok || !isDigits(wide) || !endsInImage(url[:i]) {
		return url
	}
	high := strings.TrimLeft(rest, "0123456789")
	if len(high) == len(rest) || high != "" && high[0] != '.' && high[0] != 'q' || strings.ContainsAny(high, "/?#") {
		return url
	}
	return withoutSize(url[:i])
}

func endsInImage(s string) bool {
	for _, ending := range [...]string{".jpg", ".png", ".jpeg", ".gif", ".webp"} {
		if strings.HasSuffix(s, ending) {
			return true
		}
	}
	return false
}

// webURL returns an absolute https address.
func webURL(s string) (string, bool) {
	// Of the entities only this one occurs, and "&copy=1" is not one.
	if strings.IndexByte(s, '&') >= 0 {
		s = strings.ReplaceAll(s, "&amp;", "&")
	}
	if rest, ok := strings.CutPrefix(s, "https://"); ok && isPlainURL(rest) {
		return s, true
	}
	s = strings.TrimSpace(s)
	rest, ok := cutScheme(s)
	if !ok || strings.IndexFunc(rest, isInvisible) >= 0 {
		return "", false
	}
	rest = encode(strings.ToValidUTF8(rest, ""))
	if !isPlainURL(rest) {
		return "", false
	}
	return "https://" + rest, true
}

// cutScheme returns an address without its scheme, which may be missing.
func cutScheme(s string) (rest string, ok bool) {
	if rest, ok = strings.CutPrefix(s, "//"); ok {
		return rest, true
	}
	if scheme, rest, ok := strings.Cut(s, "://"); ok && len(scheme) <= len("https") {
		return rest, strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https")
	}
	host, _, _ := strings.Cut(s, "/")
	return s, strings.Contains(host, ".") && !strings.Contains(host, ":")
}

// isPlainURL reports whether s is a host name with a dot, perhaps a port, and
// whatever addresses may hold after it.
func isPlainURL(s string) bool {
	host := 0
	for host < len(s) && urlBytes[s[host]] == inHost {
		host++
	}
	if len(s) > maxURL || host < len(s) && s[host] != '/' && s[host] != '?' && s[host] != '#' {
		return false
	}
	for i := host; i < len(s); i++ {
		if urlBytes[s[i]] == notInURL {
			return false
		}
	}
	dot := strings.IndexByte(s[:host], '.')
	return dot > 0 && dot < host-1
}

// urlBytes says where in an address a byte may stand as it is.
var urlBytes = func() (set [256]byte) {
	for c := '!'; c <= '~'; c++ {
		switch {
		case isNameByte(byte(c)) || strings.ContainsRune(".-_:", c):
			set[c] = inHost
		case !strings.ContainsRune("\"<>\\^`{|}", c):
			set[c] = inURL
		}
	}
	return set
}()

// What urlBytes says.
const (
	notInURL byte = iota
	inURL         // behind the host
	inHost        // anywhere
)

func encode(s string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; urlBytes[c] == notInURL {
			b.Write([]byte{'%', hexDigits[c>>4], hexDigits[c&15]})
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// imageURL is ImageURL for a part of an offer; "" when there is no image.
func (p *pass) imageURL(s string, where part) string {
	if s == "" {
		return ""
	}
	url, ok := ImageURL(s)
	if !ok {
		p.reject(CodeBadURL, where, "not an address of an image", s)
	}
	return url
}

// offerImages appends the offer's own images; those of SKUs come with their
// rows.
func (p *pass) offerImages() {
	for i, s := range p.o.Images {
		if url := p.imageURL(s, part{list: "images", index: i}); url != "" {
			p.addImage(catalog.ImageMain, url, catalog.Opt[string]{})
		}
	}
	if url := p.imageURL(p.o.WhiteImage, of("white_image")); url != "" {
		p.addImage(catalog.ImageWhite, url, catalog.Opt[string]{})
	}
	if len(p.o.DetailImages) == 0 {
		p.descriptionImages()
	}
	for i, s := range p.o.DetailImages {
		if url := p.imageURL(s, part{list: "detail_images", index: i}); url != "" {
			p.addImage(catalog.ImageDetail, url, catalog.Opt[string]{})
		}
	}
}

// descriptionImages appends the images of the description. Sellers paste their
// HTML from anywhere, so addresses that lead nowhere are common; one reject
// counts them all.
func (p *pass) descriptionImages() {
	bad, example := 0, ""
	eachImage(p.o.Description, func(src string) {
		url, ok := ImageURL(src)
		if ok {
			p.addImage(catalog.ImageDetail, url, catalog.Opt[string]{})
			return
		}
		if bad == 0 {
			example = src
		}
		bad++
	})
	if bad > 0 {
		p.reject(CodeBadURL, of("description"), "not an address of an image: "+strconv.Itoa(bad)+" in the description", example)
	}
}

// addImage appends an image unless its role has it already.
func (p *pass) addImage(role, url string, key catalog.Opt[string]) {
	if p.images.seen(p.rows.Images, role, url) {
		return
	}
	p.rows.Images = append(p.rows.Images, catalog.Image{
		OfferID: p.o.ID, Role: role, Position: p.images.next(role), SKUKey: key, URL: url,
	})
}

// imageSet counts and finds the images of one offer, which are the rows from
// first on: few ones by looking at them, many by an index.
type imageSet struct {
	first int
	count [4]int32
	index map[[2]string]struct{}
}

// next returns the position of the next image of a role.
func (s *imageSet) next(role string) int32 {
	i := 0
	switch role {
	case catalog.ImageWhite:
		i = 1
	case catalog.ImageSKU:
		i = 2
	case catalog.ImageDetail:
		i = 3
	}
	s.count[i]++
	return s.count[i] - 1
}

// seen reports whether the role has the image; one that is new is taken to be
// appended to rows next.
func (s *imageSet) seen(rows []catalog.Image, role, url string) bool {
	rows = rows[s.first:]
	if len(rows) < indexFrom {
		for i := range rows {
			if rows[i].Role == role && rows[i].URL == url {
				return true
			}
		}
		return false
	}
	if s.index == nil {
		s.index = make(map[[2]string]struct{}, 2*len(rows))
		for i := range rows {
			s.index[[2]string{rows[i].Role, rows[i].URL}] = struct{}{}
		}
	}
	before := len(s.index)
	s.index[[2]string{role, url}] = struct{}{}
	return len(s.index) == before
}

// eachImage calls found with the source of each <img> of an HTML text, in
// order. Where pages load images lazily, the source is the one to be loaded.
// Embedded images (data:) are left out.
func eachImage(s string, found func(src string)) {
	if strings.Contains(s, "&lt;img") && !strings.Contains(s, "<img") {
		s = html.UnescapeString(s) // a description that was escaped as a whole
	}
	for {
		i := strings.IndexByte(s, '<')
		if i < 0 {
			return
		}
		s = s[i+1:]
		if len(s) < 4 || !strings.EqualFold(s[:3], "img") || isNameByte(s[3]) {
			continue
		}
		var src string
		src, s = imageSource(s[3:])
		src = strings.TrimSpace(html.UnescapeString(src))
		if src != "" && !strings.HasPrefix(src, "data:") {
			found(src)
		}
	}
}

// imageSource reads the attributes of an <img> and returns its source and what
// follows the tag.
func imageSource(s string) (src, rest string) {
	lazy := false
	for {
		for s != "" && (isHTMLSpace(s[0]) || s[0] == '/') {
			s = s[1:]
		}
		if s == "" || s[0] == '>' || s[0] == '<' {
			return src, s
		}
		var name, value string
		name, value, s = cutHTMLAttribute(s)
		switch {
		case value == "":
		case isLazySource(name):
			src, lazy = value, true
		case !lazy && strings.EqualFold(name, "src"):
			src = value
		}
	}
}

// isLazySource reports whether an attribute holds the address that a script
// puts into src when the image scrolls into view.
func isLazySource(name string) bool {
	if len(name) < len("data-src") {
		return false
	}
	for _, known := range [...]string{"data-lazyload-src", "data-lazy-src", "data-ks-lazyload", "data-lazyload", "data-src", "data-original"} {
		if strings.EqualFold(name, known) {
			return true
		}
	}
	return false
}

// cutHTMLAttribute cuts name="value", name='value', name=value or name off the
// front of s, which does not begin with white space. It always cuts something.
func cutHTMLAttribute(s string) (name, value, rest string) {
	end := 1
	for end < len(s) && !isHTMLSpace(s[end]) && s[end] != '=' && s[end] != '/' && s[end] != '>' && s[end] != '<' {
		end++
	}
	name, rest = s[:end], trimHTMLSpace(s[end:])
	rest, ok := strings.CutPrefix(rest, "=")
	if !ok {
		return name, "", rest
	}
	rest = trimHTMLSpace(rest)
	if rest != "" && (rest[0] == '"' || rest[0] == '\'') {
		if i := strings.IndexByte(rest[1:], rest[0]); i >= 0 {
			return name, rest[1 : i+1], rest[i+2:]
		}
		rest = rest[1:] // the quote is never closed
	}
	end = strings.IndexAny(rest, " \t\r\n>")
	if end < 0 {
		end = len(rest)
	}
	return name, rest[:end], rest[end:]
}

func trimHTMLSpace(s string) string {
	for s != "" && isHTMLSpace(s[0]) {
		s = s[1:]
	}
	return s
}

func isHTMLSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
