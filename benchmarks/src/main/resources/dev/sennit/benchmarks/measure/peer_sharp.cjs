// Thumbnails by sharp, of the files that photos.txt names, beside this file: JPEG decoded at a smaller scale, each width made from the
// one before, one thread. Answers each line with "ok", the seconds, and the most memory that was resident, in bytes.
const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');
const sharp = require('sharp');

const SIZES = [200, 64, 32];
const STATUS = '/proc/self/status';

sharp.concurrency(1);
sharp.cache(false);
const names = fs.readFileSync(path.join(__dirname, 'photos.txt'), 'utf8').split('\n');
const photographs = names.filter(name => name !== '');

async function thumbnails(photograph) {
  let pixels = null;
  for (const width of SIZES) {
    const image = pixels === null ? sharp(fs.readFileSync(photograph)) : sharp(pixels.data, { raw: pixels.info });
    pixels = await image.resize({ width }).raw().toBuffer({ resolveWithObject: true });
    await sharp(pixels.data, { raw: pixels.info }).jpeg({ quality: 75 }).toBuffer();
  }
}

async function main() {
  console.log('ready');
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const begun = process.hrtime.bigint();
    for (const photograph of photographs) {
      await thumbnails(photograph);
    }
    const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
    const memory = fs.existsSync(STATUS) ? fs.readFileSync(STATUS, 'utf8').match(/VmHWM:\s*(\d+)/)[1] * 1024 : NaN;
    console.log(`ok ${seconds} ${memory}`);
  }
}

main();
