/**
 * What a download needs of the web, and what no image has to do with: addresses in a strict form, the addresses of a
 * host and which of them are allowed, how many requests run at once, and bodies of answers as they arrive.
 */
@NullMarked
package dev.sennit.images.internal.web;

import org.jspecify.annotations.NullMarked;
