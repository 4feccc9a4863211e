package board

// The colours that mean something. Okabe and Ito chose them so that people who see red and green alike tell them apart; a
// state has a word beside its colour wherever it is drawn.
const (
	green   = "#009E73" // well
	yellow  = "#F0E442" // in doubt
	orange  = "#E69F00" // wants attention
	red     = "#D55E00" // bad
	darkRed = "#8C3D00" // bad, and it will stay so
	blue    = "#0072B2" // a fact, neither good nor bad
	skyBlue = "#56B4E9" // on its way
	purple  = "#CC79A7" // a person decides
	grey    = "#999999" // nothing to say
)
