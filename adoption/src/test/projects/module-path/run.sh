java --enable-native-access=dev.sennit -p target/shop.jar:target/lib -m app/shop.Main
