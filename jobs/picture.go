package jobs

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	_ "image/gif" // a format of pictures
	"image/jpeg"
	_ "image/png" // a format of pictures
	"io"
	"os"
	"slices"

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp" // a format of pictures

	"offerlake/extract"
	"offerlake/pipeline/catalog"
)

const (
	// maxPicture bounds a picture file, in bytes.
	maxPicture = 64 << 20
	// maxPixels bounds what a picture is decoded to: four bytes a pixel.
	maxPixels = 50_000_000
)

// Smaller pictures are tried in this order until one fits: each size in all
// qualities. Search by picture works on far less than the largest size.
var (
	pictureSides     = []int{1600, 1200, 1000, 800, 640, 480, 320, 240, 160}
	pictureQualities = []int{90, 80, 70, 60}
)

// readPictures reads the picture files that leaves name.
func (j *Job) readPictures(leaves []catalog.Leaf, d extract.Dialect) error {
	for i := range leaves {
		p := leaves[i].Query.Picture
		if p.File == "" {
			continue
		}
		data, sum, err := readPicture(j.input(p.File), d.Limits().PictureBytes)
		if err != nil {
			return err
		}
		leaves[i].Query.Picture = &catalog.Picture{File: p.File, Data: data, SHA256: sum}
	}
	return nil
}

// readPicture reads a PNG, JPEG, GIF or WebP file and returns a JPEG or PNG of
// at most limit bytes, with the SHA-256 of the file as it is. The same file
// gives the same bytes.
func readPicture(path string, limit int) (data []byte, sum string, err error) {
	raw, err := readBounded(path, maxPicture)
	if err != nil {
		return nil, "", err
	}
	hash := sha256.Sum256(raw)
	sum = hex.EncodeToString(hash[:])
	config, format, err := image.DecodeConfig(bytes.NewReader(raw))
	if err != nil {
		return nil, "", fmt.Errorf("%s is not a PNG, JPEG, GIF or WebP picture: %w", path, err)
	}
	if config.Width < 1 || config.Height < 1 || config.Width > maxPixels/config.Height {
		return nil, "", fmt.Errorf("%s has %d x %d pixels; at most %s are read: scale it down first", path, config.Width, config.Height, count(maxPixels))
	}
	picture, _, err := image.Decode(bytes.NewReader(raw))
	if err != nil {
		return nil, "", fmt.Errorf("%s is damaged: %w", path, err)
	}
	if len(raw) <= limit && slices.Contains([]string{"jpeg", "png"}, format) {
		return raw, sum, nil
	}
	if data, err = shrink(picture, limit); err != nil {
		return nil, "", fmt.Errorf("%s: %w", path, err)
	}
	return data, sum, nil
}

// readBounded reads a file of at most limit bytes.
func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%s has more than %s bytes: scale it down first", path, count(limit))
	}
	return b, nil
}

// shrink returns the picture as a JPEG of at most limit bytes: as large as the
// steps allow, then as good.
func shrink(picture image.Image, limit int) ([]byte, error) {
	for _, side := range pictureSides {
		scaled := scaleTo(picture, side)
		for _, quality := range pictureQualities {
			var b bytes.Buffer
			if err := jpeg.Encode(&b, scaled, &jpeg.Options{Quality: quality}); err != nil {
				return nil, err
			}
			if b.Len() <= limit {
				return b.Bytes(), nil
			}
		}
	}
	return nil, fmt.Errorf("does not fit into the %s bytes that the gateway takes, however small", count(int64(limit)))
}

// scaleTo draws a picture on white, no side longer than side.
func scaleTo(picture image.Image, side int) image.Image {
	from := picture.Bounds()
	w, h := from.Dx(), from.Dy()
	if longest := max(w, h); longest > side {
		w, h = max(w*side/longest, 1), max(h*side/longest, 1)
	}
	to := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(to, to.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.CatmullRom.Scale(to, to.Bounds(), picture, from, draw.Over, nil)
	return to
}
