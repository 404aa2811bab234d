stopAtWideFigures();
addEventListener("resize", stopAtWideFigures);
startDetail();
startMap();
startGallery();
startQuality();
