/**
 * Thumbnails: finds, fetches, resizes and writes images. {@link dev.sennit.images.ThumbnailPipeline} does all of it;
 * {@link dev.sennit.images.Sources}, {@link dev.sennit.images.Downloader}, {@link dev.sennit.images.ThumbnailMaker} and
 * {@link dev.sennit.images.OutputFolder} are its parts, each of use alone.
 */
@NullMarked
package dev.sennit.images;

import org.jspecify.annotations.NullMarked;
