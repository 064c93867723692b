/**
 * What codecs and resizing work on: {@link dev.sennit.images.internal.codec.Decoded} is a picture that a decoder holds,
 * {@link dev.sennit.images.internal.codec.Bitmap} the same as pixels.
 * {@link dev.sennit.images.internal.codec.NativeCode} calls the libraries of native codecs.
 */
@NullMarked
package dev.sennit.images.internal.codec;

import org.jspecify.annotations.NullMarked;
